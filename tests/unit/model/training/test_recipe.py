"""The ways to show pictures to a model, from the simplest on."""

from model.training.recipe import Recipe
from preprocess import Fit


def test_each_step_makes_a_recipe_less_simple() -> None:
    steps = [
        Recipe(), Recipe(colour=True), Recipe(level=True), Recipe(middle=True),
        Recipe(views=3), Recipe("lite2"), Recipe("own.onnx"),
    ]  # fmt: skip
    assert sorted(steps[::-1], key=lambda recipe: recipe.simplicity) == steps
    assert Recipe(fit=Fit.PAD).simplicity == Recipe().simplicity, "neither costs more"


def test_it_is_told_in_words() -> None:
    assert Recipe().sentence() == "gray, cropped, Lite0"
    recipe = Recipe("lite2", 3, level=True, middle=True, colour=True, fit=Fit.PAD)
    assert recipe.sentence() == "colour, padded, levelled, Lite2, with middle layers, 3 altered views"
    assert Recipe("folder/own.onnx", fit=Fit.STRETCH).sentence() == "gray, stretch, folder/own.onnx"
