"""Which pixels a digit classifier looks at: gradients with respect to the input (S24)."""

import numpy as np
from _pictures import SEQUENTIAL, run, save, show_image
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastmlp import MLPClassifier, Network

N_REMOVED = 8


def train():
    """A classifier of digits, and images and labels to look at it with."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)
    model = MLPClassifier((64,), "tanh", learning_rate_init=0.01, batch_size=32, max_iter=40, tol=1e-2, random_state=0)
    return model.fit(X_train, y_train), X_train, X_test, y_test


def logits(model):
    """The classifier's network without its softmax.

    Where the softmax is sure of a digit, it is flat, and so are its derivatives; the logits still say why.
    """
    net = model.network_
    return Network.from_weights(net.coefs_, net.intercepts_, activation=list(net.activations_))


def jacobian_error(net, x, step=1e-5):
    """Largest difference of the Jacobian of one image from central differences."""
    shifts = step * np.eye(len(x))
    differences = (net.forward(x + shifts) - net.forward(x - shifts)) / (2 * step)
    return np.abs(net.jacobian(x[None])[0] - differences.T).max()


def accuracy_without(model, X, y, order, fill):
    """Accuracy after the first pixels of each row of `order` are replaced by their means in training."""
    X = X.copy()
    rows, pixels = np.arange(len(X))[:, None], order[:, :N_REMOVED]
    X[rows, pixels] = fill[pixels]
    return model.score(X, y)


def removal_study(model, net, X, y, fill):
    """Accuracy without pixels, chosen by saliency or at random.

    The saliency of a pixel is how much its replacement would change the predicted class's logit, to first order.
    """
    predicted = model.predict(X)
    saliency = np.abs(net.jacobian(X)[np.arange(len(X)), predicted] * (X - fill))
    by_saliency = np.argsort(-saliency, axis=1)
    at_random = np.random.default_rng(0).permuted(np.tile(np.arange(X.shape[1]), (len(X), 1)), axis=1)
    return {
        "all pixels": model.score(X, y),
        f"without {N_REMOVED} at random": accuracy_without(model, X, y, at_random, fill),
        f"without the {N_REMOVED} least salient": accuracy_without(model, X, y, by_saliency[:, ::-1], fill),
        f"without the {N_REMOVED} most salient": accuracy_without(model, X, y, by_saliency, fill),
    }


def main(output):
    """Train, differentiate, print and draw."""
    model, X_train, X, y = train()
    net = logits(model)
    accuracies = removal_study(model, net, X, y, X_train.mean(axis=0))
    error = jacobian_error(net, X[0])
    print(f"{'test images':32}{'accuracy':>10}")
    for what, accuracy in accuracies.items():
        print(f"{what:32}{accuracy:10.3f}")
    print(f"\nThe Jacobian of the first image and central differences differ by {error:.1e} at most.")

    shown = [np.flatnonzero((y == digit) & (model.predict(X) == digit))[0] for digit in (0, 3, 4)]
    jacobian = np.abs(net.jacobian(X[shown]))
    # dC/dX of the cost, a mean over images: times their number, it is each image's own.
    inputs = np.abs(model.network_.backward(X, np.eye(10)[y]).inputs * len(X))

    figure = Figure(figsize=(10, 5.2))
    per_class, overall = figure.subfigures(2, 1, height_ratios=(3, 1.7))
    per_class.suptitle("|gradient| of each class's logit with respect to the pixels of the image at the left")
    for row, (axes, image, gradients) in enumerate(zip(per_class.subplots(3, 11), X[shown], jacobian, strict=True)):
        show_image(axes[0], image.reshape(8, 8), "image" if row == 0 else "", cmap="gray_r", vmin=0, vmax=1)
        for digit in range(10):
            title = f"class {digit}" if row == 0 else ""
            show_image(
                axes[digit + 1], gradients[digit].reshape(8, 8), title, cmap=SEQUENTIAL, vmin=0, vmax=gradients.max()
            )
    panels = (
        ("mean test image", X.mean(axis=0), "gray_r"),
        ("mean |gradient| of all logits", np.abs(net.jacobian(X)).mean(axis=(0, 1)), SEQUENTIAL),
        ("mean |gradient| of the cost", inputs.mean(axis=0), SEQUENTIAL),
    )
    for axes, (title, image, colors) in zip(overall.subplots(1, 3), panels, strict=True):
        show_image(axes, image.reshape(8, 8), title, cmap=colors, vmin=0)
    save(figure, output / "saliency.png")
    return {"accuracies": accuracies, "jacobian_error": error}


if __name__ == "__main__":
    run(main)
