"""From a word to what stands for all its forms. It knows words one by one, not texts.

    none       the word itself
    snowball   its stem by rules for English, nltk's (Porter 2001): `connections`, `connected` -> `connect`; no data
    wordnet    as nltk's `WordNetLemmatizer().lemmatize`, which takes every word for a noun: `mice` -> `mouse`,
               `parliaments` -> `parliament`, and `has` -> `ha`; from WordNet's files

WordNet's nouns are read here and not by nltk, which reads all of WordNet: 0.1 s instead of three.
"""

from collections.abc import Callable
from typing import Literal

from data import nltk_data, punkt

Name = Literal["wordnet", "snowball", "none"]

PACKAGE = "corpora/wordnet"

# WordNet's morphology of nouns (morphy): endings, and what takes their place
_ENDINGS = [
    ("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man"),
    ("ies", "y"),
]  # fmt: skip
_INSTEAD = "choose lemmatizer snowball or none, which need no data"


def check(lemmatizer: Name) -> None:
    """Raise CorpusError unless the data is at hand that `wordnet`, or the sentences that go with it, need."""
    if lemmatizer == "wordnet":
        for package in (PACKAGE, punkt.PACKAGE):
            nltk_data.check(package, asked="lemmatizer='wordnet'", instead=_INSTEAD)


def load(lemmatizer: Name) -> Callable[[str], str]:
    """The function from a word to its lemma."""
    match lemmatizer:
        case "none":
            return str
        case "snowball":
            from nltk.stem.snowball import SnowballStemmer  # the import takes two seconds

            stem: Callable[[str], str] = SnowballStemmer("english").stem
            return stem
        case "wordnet":
            return _wordnet()


def _wordnet() -> Callable[[str], str]:
    nouns = {line.split(" ", 1)[0] for line in nltk_data.read(PACKAGE, "index.noun").splitlines()} - {""}
    irregular = [line.split() for line in nltk_data.read(PACKAGE, "noun.exc").splitlines()]
    exceptions = {form: lemmas for form, *lemmas in irregular}

    def lemma(word: str) -> str:
        """The shortest of the nouns that it may be a form of."""
        forms = exceptions.get(word)
        if forms is None:
            if word[-1:] not in ("s", "n"):
                return word
            forms = [word.removesuffix(old) + new for old, new in _ENDINGS if word.endswith(old)]
        return min((form for form in (word, *forms) if form in nouns), key=len, default=word)

    return lemma
