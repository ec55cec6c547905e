import pytest

from algorithms.object2vec.form import Form
from algorithms.search import forms, spaces
from algorithms.search.ranges import Continuous
from algorithms.search.reading import ranges
from algorithms.text_classification.algorithm import TextClassification
from algorithms.topics.algorithm import Topics
from algorithms.word2vec.algorithm import Word2Vec
from data.errors import HyperparameterError

FORMS = {"word2vec": Word2Vec(), "text_classification": TextClassification(), "topics": Topics(), "object2vec": Form()}


@pytest.mark.parametrize("algorithm", spaces.RECOMMENDED)
def test_recommended_ranges_fit_their_form(algorithm):
    form = FORMS[algorithm]
    recommended = spaces.recommended(algorithm)
    assert forms.fitting(form, recommended) == recommended
    space = forms.space(form, recommended)
    assert space.contains(space.start)
    type(form)(**{**form.model_dump(), **space.start})


def test_a_wide_range_of_whole_numbers_means_any_where_the_algorithm_takes_any():
    given = forms.space(Word2Vec(), ranges({"learning_rate": {"low": 1, "high": 2}}))
    assert given.ranges["learning_rate"] == Continuous(low=1, high=2)


def test_choices_that_wait_for_others():
    given = {
        "mode": ["skipgram", "batch_skipgram"],
        "subwords": {"values": [True, False], "when": {"mode": "skipgram"}},
    }
    assert forms.space(Word2Vec(), ranges(given)).active({"mode": "batch_skipgram", "subwords": True}) == {
        "mode": "batch_skipgram"
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"window_siz": {"low": 1, "high": 3}},
            "ranges.window_siz='integer': Word2Vec has no such parameter; did you mean window_size?; choose from mode,",
        ),
        ({"window_size": {"low": 1.5, "high": 3}}, "ranges.window_size.type='continuous': it takes whole numbers; "),
        (
            {"mode": {"low": 1, "high": 3}},
            "ranges.mode.type='integer': it takes no numbers; choose type: categorical, values: [batch_skipgram, ",
        ),
        (
            {"subwords": {"low": 0, "high": 1}},
            "ranges.subwords.type='integer': it takes no numbers; choose type: categorical, values: [true, false]",
        ),
        (
            {"window_size": {"low": 0, "high": 3}},
            "ranges.window_size.low=0: outside of what the algorithm takes; input should be greater than or equal to 1",
        ),
        (
            {"vector_dim": {"low": 10, "high": 3000}},
            "ranges.vector_dim.high=3000: outside of what the algorithm takes; input should be less than or equal to",
        ),
        ({"mode": ["cbow", "cbo"]}, "ranges.mode.values='cbo': outside of what the algorithm takes; input should be"),
        ({"window_size": ["wide"]}, "ranges.window_size.values='wide': outside of what the algorithm takes; "),
        (
            {"mode": ["skipgram", "batch_skipgram"], "subwords": [True, False]},
            "ranges.subwords=True: the algorithm does not take it with mode='batch_skipgram': ",
        ),
    ],
)
def test_ranges_that_do_not_fit(given, said):
    with pytest.raises(HyperparameterError) as refused:
        forms.space(Word2Vec(), ranges(given))
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)
