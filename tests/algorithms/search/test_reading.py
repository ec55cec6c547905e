import pytest

from algorithms.search.ranges import Categorical, Continuous, Integer
from algorithms.search.reading import read
from data.errors import EmbertextError, HyperparameterError

BLOG = """
mode: [batch_skipgram, cbow]
learning_rate: {type: continuous, low: 0.005, high: 0.05, scaling: Logarithmic}
window_size: {low: 5, high: 30}
subwords: {values: [true, false], when: {mode: [skipgram, cbow]}}
"""


def test_yaml():
    assert read(BLOG) == {
        "mode": Categorical(values=("batch_skipgram", "cbow")),
        "learning_rate": Continuous(low=0.005, high=0.05, scaling="Logarithmic"),
        "window_size": Integer(low=5, high=30),
        "subwords": Categorical(values=(True, False), when={"mode": ("skipgram", "cbow")}),
    }


def test_a_condition_on_one_value_and_ranges_under_their_name():
    given = read("ranges:\n  subwords: {values: [true], when: {mode: cbow}}")
    assert given["subwords"].when == {"mode": ("cbow",)}


def test_json_as_sagemaker_has_it():
    given = """{"IntegerParameterRanges": [{"Name": "epochs", "MinValue": "5", "MaxValue": "15"}],
    "ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.1", "MaxValue": "1", "ScalingType": "Auto"}],
    "CategoricalParameterRanges": [{"Name": "mode", "Values": ["cbow"]}]}"""
    assert read(given) == {
        "epochs": Integer(low=5, high=15),
        "rate": Continuous(low=0.1, high=1),
        "mode": Categorical(values=("cbow",)),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs: {low: 1, high: 3", "r.yaml: line 1, column 25: no YAML: expected ',' or '}', but got '<stream end>'"),
        ("a: 1\n b: 2", "r.yaml: line 2, column 3: no YAML: mapping values are not allowed here"),
        ("a: \x00", "r.yaml: no YAML: unacceptable character #x0000: special characters are not allowed"),
        ("", "r.yaml: no ranges"),
        ("- a\n- b", "r.yaml: list, where names and their ranges are expected"),
    ],
)
def test_what_is_no_yaml(text, said):
    with pytest.raises(EmbertextError) as refused:
        read(text, where="r.yaml")
    assert str(refused.value).startswith(said + "; ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 5", "ranges.a=5: no range; "),
        ("a: {low: x, high: 3}", "ranges.a.low='x': input should be a valid number"),
        ("a: {low: 1}", "ranges.a.high=None: missing; give high"),
        ("a: {low: 1, hihg: 3}", "ranges.a.hihg=3: a range of type continuous has no such field; did you mean high?; "),
        ("a: {type: intger, low: 1, high: 3}", "ranges.a.type='intger': no such type; did you mean integer?; "),
        ("a: {low: 1, high: 3, scaling: log}", "ranges.a.scaling='log': input should be 'Auto', 'Linear', "),
        ("a: {low: 1, high: .inf}", "ranges.a.high=inf: input should be a finite number; "),
        ("a: [[1]]", "ranges.a.values=[1]: "),
        ('{"IntegerParameterRanges": [5]}', "ranges.IntegerParameterRanges[0]=5: no range; "),
        ('{"IntegerParameterRanges": [{"Name": "a", "MinValue": "b", "MaxValue": "3"}]}', "ranges.a.low='b': "),
    ],
)
def test_what_is_no_range(text, said):
    with pytest.raises(HyperparameterError) as refused:
        read(text)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)
