"""The auxiliary channel: which of its files the hyperparameters name, found before anything is prepared."""

from prefect import task
from pydantic import BaseModel

from algorithms.object2vec.form import Form
from data import storage
from data.errors import CorpusError, HyperparameterError
from tasks.network import NETWORK

FILES = ("vocab_file", "pretrained_embedding_file")


class Auxiliary(BaseModel, frozen=True):
    """URLs of the files of in0 and of in1, "" where there is none; fingerprints: of those that there are."""

    vocabularies: tuple[str, str] = ("", "")
    embeddings: tuple[str, str] = ("", "")
    fingerprints: tuple[str, ...] = ()


@task(name="auxiliary", description="Find the vocabulary and the pretrained vectors that are named.", **NETWORK)
def find(auxiliary: str, form: Form) -> Auxiliary:
    """auxiliary: the folder that holds them. As enc1_network=enc0 copies what enc0 is told, it copies its files too.

    Raises HyperparameterError where files are named and there is no folder, or the other way round; CorpusError for a
    file that is not in it.
    """
    named = {f"enc{side}_{file}": str(getattr(form, f"enc{side}_{file}")) for side in (0, 1) for file in FILES}
    for field, name in named.items():
        if name and not auxiliary:
            remedy = "say which folder it is in: auxiliary"
            raise HyperparameterError("there is no auxiliary channel", field=field, value=name, remedy=remedy)
    if not auxiliary:
        return Auxiliary()
    folder = storage.absolute(auxiliary)
    if not any(named.values()):
        what, remedy = "no hyperparameter names a file of it", "set enc0_pretrained_embedding_file or enc0_vocab_file"
        raise HyperparameterError(what, field="auxiliary", value=auxiliary, remedy=remedy)
    for field, name in named.items():
        if name and not storage.exists(storage.join(folder, name)):
            what = "not in the auxiliary channel"
            raise CorpusError(what, where=storage.join(folder, name), remedy=f"{field} names it: put it there")
    if form.enc1_network == "enc0":
        named |= {f"enc1_{file}": named[f"enc1_{file}"] or named[f"enc0_{file}"] for file in FILES}
    urls = {field: storage.join(folder, name) if name else "" for field, name in named.items()}
    return Auxiliary(
        vocabularies=(urls["enc0_vocab_file"], urls["enc1_vocab_file"]),
        embeddings=(urls["enc0_pretrained_embedding_file"], urls["enc1_pretrained_embedding_file"]),
        fingerprints=tuple(storage.fingerprint(url) for url in sorted({*urls.values()} - {""})),
    )
