"""More photographs by which the families and thresholds of the default model were chosen, and what they show.

Animals of GCompris (gcompris-qt-data 3.1, its activity "erase"), and what people took as wallpapers and puzzles: Debian
packages lomiri-wallpapers-16.04, lomiri-wallpapers-20.04, mate-backgrounds and palapeli-data. The licence of each is in
its package; none is kept here. Wallpapers that are no photographs are left out.
"""

from collections.abc import Iterator
from pathlib import Path

from bench.gcompris import packed

_ANIMALS = Path("usr/share/gcompris-qt/rcc/erase.rcc")
_FOLDERS = ("usr/share/backgrounds", "usr/share/backgrounds/mate/nature", "usr/share/palapeli/collection")
WALLPAPERS = "wallpapers"

SHOWS: dict[str, tuple[str, ...]] = {
    "alpaca": ("camel or llama",), "bee": ("bee",), "butterfly": ("butterfly",), "calf": ("ox",),
    "camels": ("camel or llama",), "caterpillar": ("insect",), "chamaeleon": ("lizard", "African chameleon"),
    "cheetah": ("cheetah",), "crab": ("crab",), "dolphin": ("whale",), "flying_fox": ("mammal",),
    "gibbon": ("gibbon",), "giraffe": ("hoofed mammal",), "goat": ("sheep or goat",), "gorilla": ("gorilla",),
    "gosling": ("goose",), "heron": ("heron",), "horse": ("equine", "sorrel"), "kingfisher": ("bird",),
    "kitten": ("cat", "tabby"), "long_nosed_monkey": ("proboscis monkey",), "macaque": ("macaque",),
    "meerkats": ("meerkat",), "northern_harrier": ("bird of prey",), "nubian_ibex": ("ibex",), "penguin": ("seabird",),
    "pika": ("mammal",), "red_panda": ("lesser panda",), "rhinoceros": ("hoofed mammal",),
    "spoonbills": ("spoonbill",), "squirrel": ("rodent",), "swans": ("waterfowl",), "toucan": ("toucan",),
    "cincinnati-bridge": ("suspension bridge",), "castle-maintenon": ("castle", "palace"),
    "citrus-fruits": ("citrus fruit", "orange", "lemon"), "european-honey-bee": ("bee", "flower"),
    "panther-chameleon-female": ("lizard",),
    "Bridge_by_Sander_Klootwijk": ("bridge",), "Dragonfly_by_Bolly": ("dragonfly",),
    "Picture_0B_by_freespace": ("fig", "bowl"), "Picture_1A_by_freespace": ("paintbrush",),
    "Wine_by_Jakkub_Mede": ("drum", "wine bottle"),
    "aitzgorri_by_Aitzol_Berasategi": ("mountain", "alp", "valley"), "free_by_Peter_Nerlich": ("parrot", "lamp"),
    "friends_by_Aitzol_Berasategi": ("poodle",), "greentock_by_Peter_Nerlich": ("analog clock", "wall clock"),
    "life_by_Aitzol_Berasategi": ("landscape",), "picosdeeuropa_by_Aitzol_Berasategi": ("mountain", "alp", "valley"),
    "seeding_by_Clements_Engelhardt": ("flower",), "sunset_by_Aitzol_Berasategi": ("landscape",),
    "Kleiber_by_Lukas_Baubkus": ("songbird",),
    "Aqua": (), "Blinds": (), "Dune": ("seashore",), "FreshFlower": ("flower",), "Garden": ("flower",),
    "GreenMeadow": (), "LadyBird": ("ladybug",), "RainDrops": (), "Storm": ("landscape",), "TwoWings": (), "Wood": (),
    "YellowFlower": ("flower", "daisy"),
}  # fmt: skip
"""By the file's name: the labels that are right, written down before any model was asked, but for families that were
made later. One that holds such a label is right too. Without any, no answer is right."""


def photographs(root: Path = Path("/")) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    """(kind and name, file, right labels) of each photograph; the packages' files lie below `root`."""
    for path, data in packed(root / _ANIMALS):
        name = Path(path).stem
        if path.endswith(".webp") and "/erase/resource/" in path and name in SHOWS:
            yield f"animals/{name}", data, SHOWS[name]
    for folder in _FOLDERS:
        for file in sorted((root / folder).glob("*.jpg")):
            if file.stem in SHOWS:
                yield f"{WALLPAPERS}/{file.stem}", file.read_bytes(), SHOWS[file.stem]
