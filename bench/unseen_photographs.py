"""Photographs, and pictures that are none, by which nothing of the default model was chosen: they only test it.

Packages bring them for other purposes; the licence of each is in its package, none is kept here. They are Debian's
gcompris-qt-data 3.1, tuxpaint-data 0.9.28, puzzle-jigsaw 1.0.2, plasma-workspace-wallpapers 5.27.5 and opencv-doc
4.6.0, and the wheels gradio 6.31.0 and imgaug 0.4.0 of PyPI, unpacked below the same root. All photographs of the
folders below count but for those that repeat another one, here or among those by which something was chosen, of people
alone, and a still of a film.
"""

from collections.abc import Iterator
from pathlib import Path

from bench.gcompris import packed

_RCC = "usr/share/gcompris-qt/rcc"
_FOLDERS = (
    "usr/share/tuxpaint/templates", "usr/share/puzzle-jigsaw/samples", "usr/share/doc/opencv-doc/examples/data",
    "gradio/media_assets/images", "gradio/test_data", "imgaug",
)  # fmt: skip
_WALLPAPERS = "usr/share/wallpapers"

SHOWS: dict[str, tuple[str, ...]] = {
    "details/Chenonceau": ("castle", "palace"), "details/EgeskovSlotSpejling": ("castle", "palace"),
    "details/EilanDonanCastle": ("castle",), "details/FanoeWindmill": ("building",),
    "details/GizahPyramids": ("building",), "details/Louvre_2007_02_24_c": ("palace",), "details/NDP": ("church",),
    "details/Nagoya": ("castle", "palace"), "details/OperaSidney": ("building",),
    "details/TajMahal": ("mosque", "palace", "dome"), "details/TourEiffel": ("tower", "building"),
    "details/TowerBridgeLondon": ("bridge",),
    "clickgame/sea1": ("coral reef",), "clickgame/sea2": ("coral reef",),
    "clickgame/sea3": ("coral reef", "coral or anemone"), "clickgame/sea4": ("coral or anemone", "coral reef"),
    "clickgame/sea5": (), "clickgame/sea6": ("animal",),
    "templates/burnt_bark": (), "templates/cliff": ("cliff",), "templates/corn_maze": ("corn", "ear", "maze"),
    "templates/jellyfish": ("jellyfish",), "templates/lighthouse": ("beacon",), "templates/mossy_bark": (),
    "templates/mossy_log": (), "templates/mudstone": (), "templates/ocean_splash": (),
    "templates/ocean_waves": ("seashore",), "templates/redwoods_above": (), "templates/rocks": (),
    "templates/sheep": ("ram",), "templates/spiders_web": ("spider web",), "templates/sun_behind_clouds": (),
    "templates/sun_behind_leaves": (), "templates/trees_above": (), "templates/trees_at_dusk": (),
    "templates/wool_mill_machine": (),
    "samples/cat-animal-cat-portrait-mackerel": ("cat", "tabby"), "samples/pexels-photo-302304": ("tiger",),
    "images/cheetah": ("cheetah",), "images/cheetah1": ("cheetah",), "test_data/cheetah2": ("cheetah",),
    "images/lion": ("lion",), "images/tower": ("tower", "building"), "imgaug/quokka": ("marsupial",),
    "wallpapers/FallenLeaf": (), "wallpapers/Path": (), "wallpapers/DarkestHour": ("lakeside",),
    "wallpapers/Volna": ("seashore",), "wallpapers/summer_1am": ("lakeside",),
    "wallpapers/EveningGlow": ("canoe", "boat"), "wallpapers/Grey": ("building",), "wallpapers/Kite": (),
    "wallpapers/ColorfulCups": ("cup",), "wallpapers/OneStandsOut": (), "wallpapers/ColdRipple": ("pier", "dock"),
    "wallpapers/BytheWater": (),
    "data/aloeL": ("pot",), "data/apple": ("fruit",), "data/baboon": ("baboon",), "data/board": ("electronic device",),
    "data/building": ("building",), "data/butterfly": ("butterfly",), "data/chicky_512": ("dog",),
    "data/fruits": ("fruit", "orange"), "data/home": ("building",), "data/leuvenA": ("building",),
    "data/messi5": ("soccer ball", "person"), "data/orange": ("orange",), "data/squirrel_cls": ("rodent",),
    "data/licenseplate_motion": ("car",), "data/left": ("book jacket",), "data/aero1": (),
    "data/graf1": (), "data/stuff": (), "data/sudoku": ("crossword puzzle",), "data/box": ("packet",),
    "data/rubberwhale1": (), "data/left01": (),
}  # fmt: skip
"""By the file's folder and name: the labels that are right, written down before the model was asked, as in
bench/other_photographs.py."""

NO_PHOTOGRAPHS = (
    *(f"data/{name}" for name in (
        "LinuxLogo", "WindowsLogo", "cards", "chessboard", "detect_blob", "digits", "ellipses", "gradient",
        "imageTextN", "notes", "opencv-logo", "pca_test1", "pic1", "pic2", "pic3", "pic4", "pic5", "pic6",
        "starry_night", "text_defocus", "text_motion",
    )),
    *(f"wallpapers/{name}" for name in (
        "Canopee", "Cascade", "Cluster", "Elarun", "Flow", "Honeywave", "IceCold", "Kay", "Kokkini", "MilkyWay", "Opal",
        "PastelHills", "Shell",
    )),
)  # fmt: skip
"""Logos, text, shapes, patterns and one painting: nothing is right of them."""


def photographs(root: Path) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    """(folder and name, file, right labels) of each photograph; the packages' files lie below `root`."""
    return ((name, data, SHOWS[name]) for name, data in _pictures(root) if name in SHOWS)


def no_photographs(root: Path) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    """The same of NO_PHOTOGRAPHS."""
    return ((name, data, ()) for name, data in _pictures(root) if name in NO_PHOTOGRAPHS)


def _pictures(root: Path) -> Iterator[tuple[str, bytes]]:
    """(folder and name, file) of all pictures in those folders."""
    for activity in ("clickgame", "details"):
        for path, data in packed(root / _RCC / f"{activity}.rcc"):
            if path.endswith(".webp"):
                yield f"{activity}/{Path(path).stem.removesuffix('_background')}", data
    for folder in _FOLDERS:
        for file in sorted((root / folder).glob("*.*")):
            if file.suffix in (".jpg", ".jpeg", ".png"):
                yield f"{file.parent.name}/{file.stem}", file.read_bytes()
    for images in sorted((root / _WALLPAPERS).glob("*/contents/images")):
        yield f"wallpapers/{images.parts[-3]}", max(images.glob("*.*")).read_bytes()
