"""What the words mean, in plain words; shown in the help, and short enough to be read."""

from __future__ import annotations

GLOSSARY: tuple[tuple[str, str], ...] = (
    ("Backbone", "A network that has already learned to see, from more than a million everyday photographs."),
    ("Class", "One of the answers, such as a kind of cell. Each class is a folder of images."),
    (
        "Training, validation, test",
        "Three sets of images: the first is learned from, the second chooses the best state, the third is looked at once, last.",
    ),
    ("Epoch", "One pass over all training images."),
    ("Loss", "The error that training makes smaller. Lower is better; it also counts how sure a wrong answer was."),
    (
        "Validation loss",
        "The error on images that the model has not trained on. If it rises as training loss falls, the model learns by heart.",
    ),
    ("Accuracy", "The share of images whose answer is right."),
    (
        "Balanced accuracy",
        "The mean of the shares found right in each class, so that a rare class counts as much as a common one.",
    ),
    ("Majority class", "The score of always giving the most frequent answer. A model should be clearly above it."),
    ("Interval", "Where the true value plausibly lies (95 %). Few test images make it wide."),
    ("Layer", "A stage of the network. The first see edges and colours, the last see whole things."),
    ("Freeze, unfreeze", "A frozen layer stays as it was. An unfrozen one learns from your images too."),
    ("Head", "The new last layer that knows your classes. It always learns."),
    ("Feature extraction", "Only the head learns. Right for few images."),
    ("Fine-tuning", "The head and more layers learn. It needs more images and more time."),
    ("Learning rate", "How large each step of learning is. Too large forgets, too small gets nowhere."),
    (
        "Augmentation",
        "Small changes of training images, such as turning or lighter colours, so that they are not learned by heart.",
    ),
    ("Batch", "The images that are looked at together for one step."),
    ("Seed", "The number that chance begins with. The same seed gives the same run."),
    ("Sensitivity", "The share of the real ones that was found."),
    ("Specificity", "The share of the others that was left alone."),
    ("Precision", "The share of the found ones that are real."),
    ("Parity", "Proof that an exported file answers as this window does, image by image."),
)
