"""The corpora that have a name: what they are, where the public keeps them, and with which checksum.

A table only. Checksums are those that other libraries publish for the same address (the source is named with each);
none was made up here. `local` is the place below EMBERTEXT_DATA where the same set, or one near it, may lie.
"""

from typing import Literal, NamedTuple

Kind = Literal["text", "jsonl", "csv", "mail"]


class Named(NamedTuple):
    """One corpus with a name."""

    about: str
    kind: Kind
    addresses: tuple[str, ...] = ()  # tried in order; empty: cannot be downloaded
    file: str = ""  # its name in the cache
    checksum: str = ""  # of the downloaded file, as pooch writes it: "md5:..." or "sha256:..."
    member: str = ""  # of an archive: only members whose path begins so
    local: str = ""  # below EMBERTEXT_DATA
    local_name: str = ""  # what the local set is called when it is near the public one and not equal to it


_WIKITEXT = ("https://wikitext.smerity.com/", "https://s3.amazonaws.com/research.metamind.io/wikitext/")
_AG_NEWS = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/"
# a mirror that TensorFlow's examples used, then torchtext's own: Google Drive asks back before it hands out large files
_DBPEDIA = (
    "https://github.com/le-scientifique/torchDatasets/raw/master/dbpedia_csv.tar.gz",
    "https://drive.google.com/uc?export=download&id=0Bz8a_Dbh9QhbQ2Vic1kxMmZZQ1k",
)

# scikit-learn, sklearn/datasets/_twenty_newsgroups.py
_NEWSGROUPS = ("https://ndownloader.figshare.com/files/5975967",)
_NEWSGROUPS_SUM = "sha256:8f1b2514ca22a5ade8fbb9cfa5727df95fa587f4c87b786e15c759fa66d95610"
# torchtext, torchtext/datasets/{wikitext2,wikitext103,ag_news,dbpedia,sst2}.py
_WIKITEXT_2_SUM = "md5:542ccefacc6c27f945fb54453812b3cd"
_WIKITEXT_103_SUM = "md5:9ddaacaf6af0710eda8c456decff7832"
_DBPEDIA_SUM = "md5:dca7b1ae12b1091090db52aa7ec5ca64"
_SST2 = ("https://dl.fbaipublicfiles.com/glue/data/SST-2.zip",)
_SST2_SUM = "md5:9f81648d4199384278b86e315dac217c"

_WIKITEXT_2 = Named(
    "WikiText-2, train: 2 M tokens of Wikipedia's good articles",
    "text",
    tuple(f"{base}wikitext-2-v1.zip" for base in _WIKITEXT),
    "wikitext-2-v1.zip",
    _WIKITEXT_2_SUM,
    member="wikitext-2/wiki.train",
)

NAMED: dict[str, Named] = {
    "docs": Named("docstrings of the project's own dependencies: about 50,000 documents, offline", "jsonl"),
    "text8": Named(
        "100 MB of Wikipedia, one line, a-z and spaces",
        "text",
        # gensim's copy (piskvorky/gensim-data, list.json): the original address has no published checksum of its zip
        ("https://github.com/RaRe-Technologies/gensim-data/releases/download/text8/text8.gz",),
        "text8.gz",
        "md5:68799af40b6bda07dfa47a32612e5364",
        local="wiki/text8style.xz",
        local_name="text8style",
    ),
    "wikitext": _WIKITEXT_2,
    "wikitext-2": _WIKITEXT_2,
    "wikitext-103": Named(
        "WikiText-103, train: 103 M tokens of Wikipedia's good articles",
        "text",
        tuple(f"{base}wikitext-103-v1.zip" for base in _WIKITEXT),
        "wikitext-103-v1.zip",
        _WIKITEXT_103_SUM,
        member="wikitext-103/wiki.train",
    ),
    "20newsgroups": Named(
        "20 Newsgroups by date, train: 11,314 messages",
        "mail",
        _NEWSGROUPS,
        "20news-bydate.tar.gz",
        _NEWSGROUPS_SUM,
        member="20news-bydate-train/",
        local="20news/20news-bydate.tar.xz",
    ),
    "20newsgroups-test": Named(
        "20 Newsgroups by date, test: 7,532 messages",
        "mail",
        _NEWSGROUPS,
        "20news-bydate.tar.gz",
        _NEWSGROUPS_SUM,
        member="20news-bydate-test/",
        local="20news/20news-bydate.tar.xz",
    ),
    "ag_news": Named(
        "AG News, train: 120,000 news items in 4 classes",
        "csv",
        (f"{_AG_NEWS}train.csv",),
        "ag_news_train.csv",
        "md5:b1a00f826fdfbd249f79597b59e1dc12",
        local="classification/ag_news_train.csv",
        local_name="ag_news-part",
    ),
    "ag_news-test": Named(
        "AG News, test: 7,600 news items",
        "csv",
        (f"{_AG_NEWS}test.csv",),
        "ag_news_test.csv",
        "md5:d52ea96a97a2d943681189a97654912d",
        local="classification/ag_news_test.csv",
    ),
    "dbpedia": Named(
        "DBpedia-14, train: 560,000 abstracts in 14 classes",
        "csv",
        _DBPEDIA,
        "dbpedia_csv.tar.gz",
        _DBPEDIA_SUM,
        member="dbpedia_csv/train",
        local="classification/dbpedia_train.csv",
        local_name="dbpedia-part",
    ),
    "dbpedia-test": Named(
        "DBpedia-14, test: 70,000 abstracts",
        "csv",
        _DBPEDIA,
        "dbpedia_csv.tar.gz",
        _DBPEDIA_SUM,
        member="dbpedia_csv/test",
        local="classification/dbpedia_test.csv",
        local_name="dbpedia-part-test",
    ),
    "sst2": Named(
        "SST-2, train: 67,349 phrases of film reviews in 2 classes",
        "csv",
        _SST2,
        "SST-2.zip",
        _SST2_SUM,
        member="SST-2/train",
        local="classification/sst2_train.tsv",
    ),
    "sst2-dev": Named(
        "SST-2, dev: 872 sentences",
        "csv",
        _SST2,
        "SST-2.zip",
        _SST2_SUM,
        member="SST-2/dev",
        local="classification/sst2_dev.tsv",
    ),
    "articles": Named("17,451 Wikipedia articles, cut short", "jsonl", local="wiki/articles.jsonl.xz"),
}
