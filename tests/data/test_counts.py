from data.counts import Channel, Counts


def test_saved_and_loaded(tmp_path):
    folder = str(tmp_path)
    (tmp_path / "train-00000.txt").write_bytes("how it begins\né\n".encode())
    channels = {
        "train": Channel([f"{folder}/train-00000.pbr"], [2], 7.0),
        "test": Channel([f"{folder}/test-00000.pbr"], [1], 3.5),
    }
    counts = Counts(3, ["a", "b\u2028", "c"], channels)
    counts.save(folder)
    assert (tmp_path / "vocab.txt").read_bytes() == "a\nb\u2028\nc\n".encode()
    assert Counts.load(folder) == counts
    assert counts.channel("train").size == 2
    assert counts.channel("train").openings() == ["how it begins", "é"]
    assert counts.channel("test").openings() == []
    assert counts.channel("validation") == ([], [], 0.0)


def test_without_a_vocabulary(tmp_path):
    counts = Counts(3, [], {"train": Channel([], [], 0.0)})
    counts.save(str(tmp_path))
    assert Counts.load(str(tmp_path)) == counts
    assert not (tmp_path / "vocab.txt").exists()
