import pytest

from algorithms.search.ranges import Categorical, Continuous, Integer, check
from data.errors import HyperparameterError


@pytest.mark.parametrize(
    ("given", "logarithmic"),
    [
        (Continuous(low=0.005, high=0.05), True),  # ten times
        (Continuous(low=0.005, high=0.04), False),
        (Continuous(low=0.0, high=1.0), False),  # zero has no logarithm
        (Continuous(low=-1.0, high=10.0), False),
        (Continuous(low=0.1, high=0.2, scaling="Logarithmic"), True),
        (Continuous(low=0.001, high=1.0, scaling="Linear"), False),
        (Integer(low=1, high=10), True),
        (Integer(low=32, high=300), False),
        (Integer(low=0, high=100), True),  # by the logarithm of the next number
        (Integer(low=0, high=8), False),
        (Integer(low=-5, high=100), False),
    ],
)
def test_auto_is_logarithmic_where_a_range_is_wide(given, logarithmic):
    assert given.logarithmic == logarithmic


def test_scaling_in_any_case():
    assert Continuous(low=0, high=0.9, scaling="reverselogarithmic").reverse


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Integer(low=5, high=3), "ranges.x.low=5: above high=3; exchange the two"),
        (Continuous(low=0.5, high=0.1), "ranges.x.low=0.5: above high=0.1; exchange the two"),
        (
            Continuous(low=0.0, high=1.0, scaling="Logarithmic"),
            "ranges.x.low=0.0: a logarithmic range cannot touch zero; choose a small number such as 1e-6,"
            " or scaling: Linear",
        ),
        (
            Integer(low=0, high=9, scaling="Logarithmic"),
            "ranges.x.low=0: a logarithmic range cannot touch zero; choose 1, or scaling: Linear",
        ),
        (
            Continuous(low=0.5, high=1.0, scaling="ReverseLogarithmic"),
            "ranges.x.high=1.0: a reverse logarithmic range cannot touch 1; choose a number below it such as 0.999,"
            " or scaling: Linear",
        ),
        (
            Continuous(low=-0.5, high=0.9, scaling="ReverseLogarithmic"),
            "ranges.x.low=-0.5: a reverse logarithmic range begins at 0; choose 0 or more, or scaling: Linear",
        ),
        (
            Integer(low=1, high=9, scaling="ReverseLogarithmic"),
            "ranges.x.scaling='ReverseLogarithmic': only continuous ranges have it; choose Auto, Linear or Logarithmic",
        ),
        (Categorical(values=()), "ranges.x.values=[]: nothing to choose from; give the values, such as [1, 2, 3]"),
        (Categorical(values=("a", "A")), "ranges.x.values='A': given twice; give it once"),
        (Categorical(values=(True, "true")), "ranges.x.values='true': given twice; give it once"),
        (Categorical(values=(1.0, float("nan"))), "ranges.x.values=nan: no finite number; leave it out"),
        (
            Categorical(values=("a" * 257,)),
            "ranges.x.values='aaaaaaaaaaaaaaaaaaaa...': longer than 256 characters; choose a shorter value",
        ),
        (
            Categorical(values=tuple(range(31))),
            "ranges.x.values='0, ...': 31 values, more than 30; choose fewer, or a range of type integer or continuous",
        ),
    ],
)
def test_what_is_no_range(given, said):
    with pytest.raises(HyperparameterError) as refused:
        check("x", given)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    "given",
    [
        Integer(low=3, high=3),
        Continuous(low=0.0, high=0.999, scaling="ReverseLogarithmic"),
        Categorical(values=tuple(range(30))),
        Categorical(values=(True, False)),
    ],
)
def test_ranges(given):
    check("x", given)
