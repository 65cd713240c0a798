from python.runs.headlines import headlines, in_words


def test_headlines_are_chosen_by_the_keys_that_are_there():
    metrics = {"n_test": 3, "auc": 0.9, "accuracy": 1, "f1": None, "median_deg": float("nan"), "baseline_auc": True}
    assert list(headlines(metrics).items()) == [("accuracy", 1), ("auc", 0.9)]


def test_results_in_words():
    assert in_words({"my_metric": 2.0, "auc": 0.9123, "accuracy": 0.875, "name": "x"}) == [
        "accuracy 87.5 %",
        "AUC 0.912",
        "my_metric 2",
    ]
    assert in_words(None) == in_words([]) == in_words({"auc": "high"}) == []
