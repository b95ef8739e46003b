"""What counts and probabilities say, and how surely: scipy's and scikit-learn's formulas."""
