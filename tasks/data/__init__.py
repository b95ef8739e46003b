"""Where the images come from: MNIST, a person's own files, or scikit-learn's digits."""
