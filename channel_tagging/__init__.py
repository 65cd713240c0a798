from python.tasks import About

ABOUT = About(
    training="Train the channel tagger: elastic scattering or a charged-current interaction?",
    title="Channel Tagging (CT) Classification",
    goal="Classify the interaction of an event (ES or CC) from its volume images or points.",
    measure="Accuracy on the test part, beside that of boosted trees on a few numbers of each event",
    answers="classes",
    metric="accuracy",
)
