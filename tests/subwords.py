"""fastText's hash and character n-grams in plain Python: the oracle of `algorithms.kernels.ngrams`."""

END_OF_SENTENCE = "</s>"  # fastText's word for a newline; it has no n-grams


def word_hash(word: bytes) -> int:
    """Dictionary::hash (uint32): FNV-1a over signed bytes; fastText keeps it since released models were trained so."""
    value = 2166136261
    for byte in word:
        signed = byte if byte < 0x80 else byte | 0xFFFFFF00
        value = (value ^ signed) * 16777619 & 0xFFFFFFFF
    return value


def ngrams(word: str, *, minn: int, maxn: int) -> list[str]:
    """Character n-grams of "<word>" in the order of Dictionary::computeSubwords: by first character, then by length.

    An n-gram of one character at either border, "<" or ">", is left out. The end of a sentence has none.
    """
    if word == END_OF_SENTENCE:
        return []
    text = f"<{word}>"
    return [
        text[i : i + n]
        for i in range(len(text))
        for n in range(max(1, minn), min(maxn, len(text) - i) + 1)
        if not (n == 1 and i in (0, len(text) - 1))
    ]


def ngram_buckets(word: str, *, minn: int, maxn: int, bucket: int) -> list[int]:
    """The bucket (0 to bucket - 1) of each n-gram; its row in the input matrix is words + this."""
    return [
        word_hash(ngram.encode("utf-8", "surrogateescape")) % bucket for ngram in ngrams(word, minn=minn, maxn=maxn)
    ]
