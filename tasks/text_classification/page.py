"""A finished text classifier as a page, and the rows and summary that Prefect shows.

A judgement is what `algorithms.accuracy.judge` says of the validation examples, or of the training's where there are no
others. Its mistakes may carry the `text` that was classified.
"""

from collections.abc import Mapping
from typing import Any

from tasks import page
from tasks.page import compact, duration, number, table
from tasks.plots import picture
from tasks.text_classification import plots

CLASSES_SHOWN = 20
TEXT_SHOWN = 240  # characters of an example
DECIMALS = 4
TOLD = ("classes", "validation accuracy", "train accuracy", "macro-F1")  # key figures on a terminal
SCALARS = {
    "macro_f1": "macro-F1",
    "weighted_f1": "weighted F1",
    "ece": "expected calibration error",
    "log_loss": "log loss (nats)",
}


def render(*, manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None) -> str:
    """The page as HTML; without a judgement it says that the run was not evaluated."""
    history = manifest.get("history", [])
    curves = page.training_curves(history, per="example")
    if any(entry.get("validation_accuracy") is not None for entry in history):
        curves = {"validation accuracy after each epoch": plots.accuracy_curve(history)} | curves
    return page.render(
        "text_classification/text_classification.html.j2",
        title=title(manifest),
        manifest=manifest,
        figures=key_figures(manifest, judgement),
        curves=curves,
        kept=kept_epoch(manifest),
        judgement=judgement,
        judged_on=judged_on(manifest),
        quantized=manifest.get("quantized"),
        smaller=smaller(manifest),
        **(_judged(judgement) if judgement else {}),
    )


def _judged(judgement: Mapping[str, Any]) -> dict[str, Any]:
    """What the template shows of a judgement, pictures included. Some classes are too many for a matrix."""
    classes, confusion = judgement["classes"], judgement["confusion"]
    rows = class_rows(judgement)
    matrix = None if confusion is None else plots.confusion_matrix([row["label"] for row in classes], confusion)
    return {
        "unknown_labels": unknown_labels(judgement),
        "several_labels": sum(row["support"] for row in classes) > judgement["examples"],
        "scalars": {shown: judgement[name] for name, shown in SCALARS.items() if judgement[name] is not None},
        "reliability": picture(plots.reliability(judgement["reliability"], judgement["ece"])),
        "classes": rows[:CLASSES_SHOWN],
        "all_classes": len(rows),
        "bars": picture(plots.f1_bars(classes)),
        "confusion": matrix and picture(matrix),
        "mistakes": [shortened(mistake) for mistake in judgement["mistakes"]],
    }


def title(manifest: Mapping[str, Any]) -> str:
    """Without the mode, as there is one alone; a model that was only judged has a name."""
    what = manifest.get("model", {}).get("name", "text classification")
    return f"{what} on {manifest.get('corpus', {}).get('name', 'text')}"


def judged_on(manifest: Mapping[str, Any]) -> str:
    """Which examples the judgement is about."""
    return "validation" if "validation_accuracy" in manifest.get("metrics", {}) else "training"


def unknown_labels(judgement: Mapping[str, Any] | None) -> str:
    """A sentence on labels that the model does not know; nothing where it knows all."""
    unknown = (judgement or {}).get("unknown")
    if not unknown:
        return ""
    examples, more = unknown["examples"], unknown["labels"] - len(unknown["such_as"])
    names = ", ".join(unknown["such_as"]) + (f" and {more:,} more" if more else "")
    return (
        f"{examples:,} {'example has' if examples == 1 else 'examples have'} labels that the model does not know"
        f" ({names}); without another label they count as wrong."
    )


def kept_epoch(manifest: Mapping[str, Any]) -> dict[str, int] | None:
    """The epoch whose weights early stopping kept, the last that was trained, and how many were allowed."""
    form = manifest.get("hyperparameters", {})
    judged = [each for each in manifest.get("history", []) if each.get("validation_accuracy") is not None]
    if not form.get("early_stopping") or not judged:
        return None
    late = [each for each in judged if each["epoch"] >= form["min_epochs"]] or judged
    best = max(late, key=lambda each: float(each["validation_accuracy"]))
    return {"best": best["epoch"], "last": judged[-1]["epoch"], "allowed": form["epochs"]}


def smaller(manifest: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What model.bin has and what is left of it in model.ftz, ready to print; nothing of a run without that."""
    metrics, corpus, left = manifest.get("metrics", {}), manifest.get("corpus", {}), manifest.get("quantized")
    if not left:
        return []
    rows = [("size", page.size(left["bytes_whole"]), page.size(left["bytes"]))]
    for name in ("validation_accuracy", "train_accuracy"):
        whole, small = (percent(metrics.get(each)) for each in (name, f"quantized_{name}"))
        if whole and small:
            rows.append((name.replace("_", " "), whole, small))
    return [
        *rows,
        ("words", number(corpus.get("vocabulary")), number(left["words"])),
        ("n-grams", number(corpus.get("ngrams")), number(left["ngrams"])),
    ]


def key_figures(manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None) -> dict[str, str]:
    """What one looks at first, by name, ready to print."""
    metrics, corpus = manifest.get("metrics", {}), manifest.get("corpus", {})
    figures = {
        "validation accuracy": percent(metrics.get("validation_accuracy")),
        "train accuracy": percent(metrics.get("train_accuracy")),
        "macro-F1": f"{judgement['macro_f1']:.3f}" if judgement else None,
        "words per second": compact(manifest.get("words_per_second")),
        "classes": number(len(judgement["classes"])) if judgement else None,
        "words in the vocabulary": number(corpus.get("vocabulary")),
        "total time": duration(sum(manifest.get("seconds", {}).values())),
    }
    return {name: value for name, value in figures.items() if value}


def metrics_rows(manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None) -> list[dict[str, str | float]]:
    """One row a number: {"metric": "validation accuracy", "value": 0.9135}."""
    found = {
        name.replace("_", " "): value
        for name, value in manifest.get("metrics", {}).items()
        if name.endswith(("train_accuracy", "validation_accuracy", "quantized_bytes"))
    }
    if judgement:
        for row in judgement["at_k"]:
            found |= {f"{name} at {row['k']}": row[name] for name in ("precision", "recall")}
        found |= {shown: judgement[name] for name, shown in SCALARS.items()}
    return [{"metric": name, "value": round(value, DECIMALS)} for name, value in found.items() if value is not None]


def class_rows(judgement: Mapping[str, Any] | None) -> list[dict[str, str | int | float]]:
    """One row a class, the most frequent first: its name, precision, recall, F1, examples, and predictions of it."""
    classes = sorted((judgement or {}).get("classes", []), key=lambda row: -row["support"])
    shares = ("precision", "recall", "f1")
    return [
        {"class": row["label"]}
        | {name: round(row[name], DECIMALS) for name in shares}
        | {"examples": row["support"], "predicted": row["predicted"]}
        for row in classes
    ]


def summary_markdown(
    *, manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None, model: str = "", report: str = ""
) -> str:
    """The run in a screen of Markdown; `model` and `report` are the addresses of what it published."""
    sections = {"": table(["", ""], [[name, value] for name, value in key_figures(manifest, judgement).items()])}
    if judgement:
        at_k = [[row["k"], f"{row['precision']:.4f}", f"{row['recall']:.4f}"] for row in judgement["at_k"]]
        sections[f"Judged on {judgement['examples']:,} {judged_on(manifest)} examples"] = table(
            ["k", "precision at k", "recall at k"], at_k
        )
    if unknown := unknown_labels(judgement):
        sections["Unknown labels"] = [page.plain(unknown)]
    if left := smaller(manifest):
        sections["Quantised"] = table(["", "model.bin", "model.ftz"], left)
    if judgement and judgement["confused"]:
        confused = [[row["true"], row["predicted"], f"{row['count']:,}"] for row in judgement["confused"]]
        sections["Most often confused"] = table(["true", "predicted", "examples"], confused)
    return page.markdown(title=title(manifest), sections=sections, model=model, report=report)


def terminal_rows(manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The run in a few lines of a terminal: what they are about, what they say."""
    corpus, model, figures = manifest["corpus"], manifest.get("model"), key_figures(manifest, judgement)
    words, distinct = f"{corpus['tokens']:,} words", corpus.get("vocabulary")
    confused = [
        f"{row['true']} for {row['predicted']} {row['count']:,}" for row in (judgement or {}).get("confused", [])
    ]
    rows = {
        "classifier": f"{model['name']}: {model['words']:,} words, {model['labels']:,} labels" if model else "",
        "corpus": f"{corpus['name']}: {words}" + (f", {distinct:,} distinct" if distinct else ""),
        "words per second": f"{manifest['words_per_second']:,.0f}",
        **{name: figures[name] for name in TOLD if name in figures},
        "quantised": ", ".join(f"{name} {whole} → {left}" for name, whole, left in smaller(manifest)[:2]),
        "unknown labels": unknown_labels(judgement),
        "mistaken": ", ".join(confused[:4]),
    }
    return [(name, text) for name, text in rows.items() if text]


def percent(share: float | None) -> str | None:
    """0.9135 as 91.35%."""
    return None if share is None else f"{share:.2%}"


def shortened(mistake: Mapping[str, Any]) -> dict[str, Any]:
    """A mistake with no more of its text than fits a page."""
    text = " ".join(mistake.get("text", "").split())
    return {**mistake, "text": text if len(text) <= TEXT_SHOWN else text[:TEXT_SHOWN].rsplit(" ", 1)[0] + " …"}
