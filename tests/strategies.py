"""What hypothesis draws in more than one test."""

from hypothesis import strategies as st

SPACES = " \0\t\n\v\f\r"  # what separates tokens, as in fastText

# any Unicode but lone surrogates, which UTF-8 has no bytes for, and the separators
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=SPACES), min_size=1, max_size=12)

# few different words, so that they come back, some of them long or not ASCII
common_words = st.sampled_from(["a", "b", "aa", "ab", "é", "日本", "\xa0", "\u2028", "x" * 40]) | words
