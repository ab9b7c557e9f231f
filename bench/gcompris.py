"""The photographs of GCompris, and what they show: Debian package gcompris-qt-data 3.1, each with a free licence.

The licence and the author of each are in the README beside it, inside the package's files; none is kept here.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path("/usr/share/gcompris-qt/rcc")
_FILES = ("categorization", "explore_farm_animals", "explore_world_animals", "explore_monuments", "explore_world_music")
_PLACES = re.compile(r"images/(fishes|monuments|others|renewable|tools)/|resource/(animals|music|\w+)/")

SHOWS: dict[str, tuple[str, ...]] = {
    "fishes/fish25": ("goldfish",), "fishes/fish28": ("puffer",), "fishes/fish9": ("anemone fish", "sea anemone"),
    "fishes/fish10": ("fish", "coral reef"), "fishes/fish": ("fish",),
    "indiagate|arcdetriomphe|brandenburggate|gatewayofindia": ("triumphal arch",),
    "bayterek|burj|eiffeltower|empirestate|leaningtower|kutubminar|qutubminar": ("tower", "building"),
    "juchetower": ("tower", "obelisk"), "colosseum|operahouse|parthenon|arlesamphitheater|ranghar": ("building",),
    "pyramid|triersimperial|trierimperialbaths|georgewashington|lincolnmemorial|chichenitza": ("building",),
    "christtheredeemer|statueofliberty|cabrillo": ("pedestal",), "monuments/victoriamemorial": ("pedestal", "obelisk"),
    "greatwall": ("stone wall",), "lemusee|zimnipalace|mysorepalace|hawamahal": ("palace",),
    "monument1|charminar": ("mosque", "dome"), "monument2": ("triumphal arch",), "monument3": ("church",),
    "mountrushmore": ("cliff",), "tajmahal|india/victoriamemorial": ("mosque", "palace", "dome"),
    "uscapitol": ("dome", "palace"), "chateau|carcassonne|neuschwanstein|schwerin": ("castle", "palace"),
    "montstmichel|palaisdespapes|rocamadour": ("castle", "palace", "monastery", "church"), "pontdugard": ("viaduct",),
    "cathedral|aulapalatina": ("church", "dome"), "ajantacave": ("cliff dwelling", "cliff"),
    "goldentemple|konark": ("place of worship", "palace"), "greatstupa": ("stupa",),
    "canyondechelly": ("valley", "cliff"), "castillodesanmarcos|fortsumter|castleclinton": ("castle",),
    "navajo|petra": ("cliff dwelling",), "machupicchu": ("landscape", "alp", "valley", "cliff dwelling"),
    "baseball": ("baseball",), "blackslate": (), "bucket": ("bucket",), "buffetset|others/cup": ("cup",),
    "bulb": (), "others/chair": ("chair",), "erasers": ("rubber eraser",), "igloo": ("building",),
    "knife|spoons": ("tableware", "kitchen utensil"), "others/pan": ("frying pan",),
    "others/pencil": ("rubber eraser",),
    "pillow": ("pillow",), "plate": ("plate", "tableware"), "volleyball": ("volleyball",),
    "weighingmachine": ("scale",), "renewable/dam": ("dam",), "geothermal": ("geyser",), "solar": ("solar dish",),
    "windmill6": (), "windmill": ("building",), "hammer": ("hammer",),
    "measuringtape": ("rule", "measuring instrument"), "multimeter": ("measuring instrument", "electronic device"),
    "nailcutter|plier|scissors|sickle|cutter|cuttingtool|tweezer|wrench": ("hand tool",),
    "screwdriver": ("screwdriver",), "spray": ("bottle",),
    "animals/cat": ("cat", "tabby"), "chicken": ("hen",), "cow": ("ox",), "animals/dog": ("German shepherd",),
    "duck": ("duck", "drake"), "horse": ("equine", "sorrel"), "owl": ("bird of prey",), "animals/pig": ("hog", "pig"),
    "sheep": ("ram",), "bison": ("bison",), "chameleon": ("lizard", "African chameleon"),
    "crocodile": ("African crocodile", "crocodilian"), "dragon": ("Komodo dragon",), "giraffe": ("hoofed mammal",),
    "hedgehog": ("mammal",), "jaguar": ("jaguar",), "kangaroo": ("marsupial", "wallaby"), "koala": ("koala",),
    "lemur": ("Madagascar cat",), "moose": ("hoofed mammal",), "narwhal": ("whale",), "panda": ("giant panda",),
    "polar_bear": ("ice bear",), "macaw": ("macaw",), "africa": ("drum",), "america": ("drum", "electric guitar"),
    "australia": ("wind instrument", "person"), "ireland|italy|japan": ("stage", "musical instrument"),
    "mexico": ("musical instrument", "acoustic guitar", "violin"), "middleeast": ("stringed instrument",),
    "orchestra": ("stage", "musical instrument", "violin", "cello"),
}  # fmt: skip
"""By a part of the file's folder and name: the labels that are right, written down before any model was asked. One that
holds such a label, as the family musical instrument holds violin, is right too. Without any, no answer is right."""


def photographs(folder: Path = FOLDER) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    """(folder and name, file, right labels) of each photograph, each once."""
    seen = set()
    for name in _FILES:
        for path, data in packed(folder / f"{name}.rcc"):
            if not path.endswith(".webp") or not _PLACES.search(path) or data in seen:
                continue
            called = "/".join(path.lower().removesuffix(".webp").split("/")[-2:])
            for part, right in SHOWS.items():
                if re.search(part, called):
                    seen.add(data)
                    yield called, data, right
                    break


def no_photographs(folder: Path = FOLDER) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    """(folder and name, file, no label) of each drawing of a word and each painting."""
    for name, place in (("lang", "/words_sample/"), ("paintings", "/paintings/resource/image/")):
        for path, data in packed(folder / f"{name}.rcc"):
            if path.endswith(".webp") and place in path:
                yield f"{name}/{Path(path).stem}", data, ()


def packed(file: Path) -> Iterator[tuple[str, bytes]]:
    """(path, content) of each file in a Qt resource file, whose format is that of Qt's `rcc`, versions 1 to 3."""
    data = file.read_bytes()
    magic, version, tree, contents, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres":
        raise SystemExit(f"{file} is no Qt resource file.")
    waiting, size = [(0, "")], 14 if version == 1 else 22
    while waiting:
        number, path = waiting.pop()
        name_at, flags, first, second = struct.unpack_from(">IHII", data, tree + number * size)
        if number:
            (length,) = struct.unpack_from(">H", data, names + name_at)
            path += "/" + data[names + name_at + 6 :][: 2 * length].decode("utf-16-be")
        if flags & 2:
            waiting += [(second + child, path) for child in range(first)]
            continue
        at = contents + second
        (length,) = struct.unpack_from(">I", data, at)
        content = data[at + 4 : at + 4 + length]
        yield path, zlib.decompress(content[4:]) if flags & 1 else content
