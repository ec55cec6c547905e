import re

from tasks.object2vec import lines


def test_the_lines_that_tuning_jobs_read():
    found = {"cross_entropy": 0.25, "accuracy": 0.9, "examples": 10}
    assert list(lines.quality("validation", found, epoch=3)) == [
        "#quality_metric: host=algo-1, epoch=3, validation cross_entropy <loss>=0.25",
        "#quality_metric: host=algo-1, epoch=3, validation accuracy <score>=0.9",
    ]
    assert list(lines.quality("test", {"mean_squared_error": 0.5, "pearson": 1.0})) == [
        "#quality_metric: host=algo-1, test mean_squared_error <loss>=0.5"
    ]
    assert list(lines.quality("test", {})) == []


def test_how_far_and_how_fast():
    progress, throughput = lines.ends(1, of=8, over=False, pairs=100, seconds=0.5)
    assert re.search(r"#progress_metric: host=\S+, completed (\S+) %", progress)[1] == "12.5"
    assert re.search(r"#throughput_metric: host=\S+, train throughput=(\S+) records/second", throughput)[1] == "200.0"
    assert "completed 100.0 %" in next(lines.ends(1, of=8, over=True, pairs=100, seconds=0.0))


def test_the_end():
    assert lines.stops(2) == "Early stop condition met after 2 epochs without improvement. Stopping training."
    assert lines.best(4, 0.125) == "Best model based on early stopping at epoch 4. Best loss: 0.125"
