from python.tasks import About

ABOUT = About(
    training="Train the electron-direction regressor: where did the electron of an interaction fly?",
    title="Electron Direction (ED) Regression",
    goal="Predict the 3D direction of electron tracks.",
    measure="Angle that holds 68 % of the test part, between predicted and true direction (degrees)",
    answers="directions",
    metric="containment_68_deg",
)
