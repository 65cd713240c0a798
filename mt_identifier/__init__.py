from python.tasks import About

ABOUT = About(
    training="Train the main-track identifier: is a cluster the main electron track of its event?",
    title="Main Track Identifier (MT)",
    goal="Distinguish main electron tracks from background.",
    measure="Accuracy on the test part, beside that of a random forest on six numbers of each cluster",
    answers="classes",
    metric="accuracy",
)
