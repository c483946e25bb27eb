"""Hazards of real notebooks, in a real IPython shell without TensorFlow."""

import builtins
import os
import sys
import time

import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

from grader.run.compat import CompatContext, hazards, install, semaphores

NOTHING = " was not run: the grader runs no commands of a notebook."


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "assignment" / "dataset"
    for name in ("alpaca", "not alpaca"):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (50, 40), (number, 0, 0)).save(folder / name / f"{name[0]}{number}.jpg")
    return folder


@pytest.fixture
def lab(tmp_path, dataset, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    InteractiveShell.clear_instance()
    before = dict(sys.modules)
    monkeypatch.setattr(InteractiveShell, "enable_gui", lambda self, gui=None: None)
    context = CompatContext(
        shell=InteractiveShell.instance(),
        work=work,
        dataset=dataset,
        classes=("alpaca", "not alpaca"),
        image_size=(160, 160),
        flavour="3",
        note=(notes := []).append,
    )
    install(context, "before_imports")
    yield Lab(context, notes)
    context.undo()
    os.chdir(work)
    InteractiveShell.clear_instance()
    for name in [
        name for name, module in sys.modules.items() if name not in before and "compat" in type(module).__module__
    ]:
        del sys.modules[name]


class Lab:
    """A notebook under way."""

    def __init__(self, context, notes):
        self.context, self.notes = context, notes

    def run(self, code):
        result = self.context.shell.run_cell(code)
        return result.error_before_exec or result.error_in_exec

    def value(self, code, name="x"):
        error = self.run(code)
        assert error is None, error
        return self.context.shell.user_ns.get(name)


def test_every_hazard_is_discovered():
    assert hazards() == [
        "blocking",
        "colab",
        "data_paths",
        "data_readers",
        "downloads",
        "keras2",
        "magics",
        "missing_modules",
        "old_names",
        "processes",
        "semaphores",
        "tfds",
    ]


def test_undo_puts_all_back(lab):
    assert os.listdir.__module__ != "posix" or hasattr(os.listdir, "__wrapped__")
    lab.context.undo()
    assert not hasattr(os.stat, "__wrapped__") and not hasattr(builtins.open, "__wrapped__")
    assert not hasattr(time.sleep, "__wrapped__")


@pytest.mark.parametrize(
    ("code", "command"),
    [
        ("!pip install -q foo \\\n  bar", "!pip install -q foo bar"),
        ("%pip install foo", "%pip install foo"),
        ("if True:\n    !wget http://x/y.zip", "!wget http://x/y.zip"),
        ("%%bash\nrm -rf /", "%%bash"),
        ("%tensorflow_version 2.x", "%tensorflow_version 2.x"),
        ("%load_ext tensorboard", "%load_ext tensorboard"),
        ("import os\nos.system('unzip a.zip')", "unzip a.zip"),
        (
            "import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', 'foo'])",
            f"{sys.executable} -m pip install foo",
        ),
    ],
)
def test_commands_do_nothing(lab, code, command):
    assert lab.run(code) is None
    shown = command if len(command) <= 60 else command[:59] + "…"
    assert lab.notes == [f"`{shown}`{NOTHING}"]


def test_output_of_commands_is_a_list(lab):
    (lab.context.work / "a.txt").write_text("one")
    files = lab.value("x = !ls")
    assert files == ["a.txt"] and files.n == "a.txt"
    assert lab.value("x = !nvidia-smi") == []
    assert lab.notes == [f"`!nvidia-smi`{NOTHING}"]


@pytest.mark.parametrize(
    "code",
    [
        "%matplotlib inline",
        "%matplotlib notebook",
        "%%time\nx = 1",
        "%time x = 1",
        "%timeit -n 100000 x = 1",
        "%%capture\nprint(1)",
        "%%writefile a.py\nx = 1",
        "%load_ext autoreload\n%autoreload 2",
        "%env HOME",
        "%cd .",
        "%config InlineBackend.figure_format = 'retina'",
    ],
)
def test_safe_magics_work(lab, code):
    assert lab.run(code) is None
    assert lab.notes == []


def test_magics_keep_what_the_cell_defines(lab):
    assert lab.value("%%time\nx = 5") == 5
    assert lab.value("%%wandb\nx = 6") == 6
    assert lab.notes == ["`%%wandb` is not known here: its cell was run without it."]
    assert isinstance(lab.run("%%wandb\n1/0"), ZeroDivisionError)


def test_cd_stays_inside(lab):
    assert lab.run("%cd /usr") is None
    assert os.getcwd() == str(lab.context.work)
    assert lab.notes == ["`%cd /usr` was not run: the notebook stays in its own folder."]


def test_colab_and_kaggle(lab):
    assert (
        lab.run("from google.colab import drive, files, output\ndrive.mount('/content/drive')\noutput.clear()") is None
    )
    assert lab.value("import google.colab.files\nx = files.upload()") == {}
    assert lab.run("from kaggle_secrets import UserSecretsClient\nUserSecretsClient()") is None
    assert lab.value("import kagglehub\nx = kagglehub.dataset_download('a/b')") == str(lab.context.dataset)
    assert lab.notes == [
        "`drive.mount` does nothing here.",
        "`files.upload` does nothing here.",
        "`kagglehub.dataset_download` downloads nothing here: the assignment's images were used.",
    ]


def used(path):
    return f"`{path}` does not exist here: the assignment's images were used."


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("from os import listdir\nx = len(listdir('/content/dataset/alpaca'))", "/content/dataset"),
        ("import os\nx = len(os.listdir('./data/dataset/alpaca'))", "./data/dataset"),
        ("import os\nx = len(os.listdir('dataset/train/alpaca'))", "dataset/train"),
        ("import os\nx = 3 * os.path.isdir('/content/drive/MyDrive/c/dataset')", "/content/drive/MyDrive/c/dataset"),
        ("import os\nx = 3 * os.path.exists(os.path.join('/kaggle/input/q', 'alpaca', 'a1.jpg'))", "/kaggle/input/q"),
        ("import os\nx = max(len(files) for _, _, files in os.walk('/content/images'))", "/content/images"),
        ("import glob\nx = len(glob.glob('/content/dataset/alpaca/*.jpg'))", "/content/dataset"),
        ("import pathlib\nx = len(list(pathlib.Path('/content/dataset').glob('alp*/*.jpg')))", "/content/dataset"),
        ("with open('/content/dataset/alpaca/a1.jpg', 'rb') as f: x = len(f.read(3))", "/content/dataset"),
        (
            "import pathlib\nx = len(pathlib.Path('/content/dataset/alpaca/a1.jpg').read_bytes()[:3])",
            "/content/dataset",
        ),
        (
            "from PIL import Image\nwith Image.open('/content/dataset/alpaca/a1.jpg') as i: x = len(i.getbands())",
            "/content/dataset",
        ),
        (
            "with open(r'C:\\Users\\me\\dataset\\alpaca\\a1.jpg', 'rb') as f: x = len(f.read(3))",
            "C:\\Users\\me\\dataset",
        ),
        (
            "import matplotlib.pyplot as plt\nx = plt.imread('/content/dataset/alpaca/a1.jpg').shape[2]",
            "/content/dataset",
        ),
        ("import cv2\nx = cv2.imread('/content/dataset/alpaca/a1.jpg').shape[2]", "/content/dataset"),
    ],
)
def test_the_dataset_is_found(lab, code, missing):
    assert lab.value(code) == 3
    assert lab.notes == [used(missing)]


def test_what_exists_is_never_remapped(lab):
    own = lab.context.work / "dataset" / "alpaca"
    own.mkdir(parents=True)
    (own / "a1.jpg").write_text("mine")
    assert lab.value("with open('dataset/alpaca/a1.jpg') as f: x = f.read()") == "mine"
    assert lab.value("import os\nx = os.listdir('dataset')") == ["alpaca"]
    assert lab.notes == []


@pytest.mark.parametrize(
    "code",
    [
        "open('notes.txt')",
        "open('/content/labels.csv')",
        "open('dataset/alpaca/none.txt')",
        "import os\nos.listdir('results')",
    ],
)
def test_a_path_with_nothing_in_common_raises(lab, code):
    assert isinstance(lab.run(code), FileNotFoundError)
    assert lab.notes == []


def test_a_picture_of_the_students_own_has_a_stand_in(lab):
    assert lab.value("from PIL import Image\nwith Image.open('my_not alpaca.png') as i: x = i.size") == (50, 40)
    assert lab.notes == ["`my_not alpaca.png` does not exist here: an image of the assignment was used."]


def test_files_of_another_machine_are_written_to_the_work_folder(lab):
    lab.run(
        "import os\nos.makedirs('/content/drive/MyDrive/m', exist_ok=True)\nwith open('/content/drive/MyDrive/m/a.txt', 'w') as f: f.write('1')"  # noqa: E501
    )
    assert (lab.context.work / "m" / "a.txt").read_text() == "1"
    assert lab.value("with open('/content/drive/MyDrive/m/a.txt') as f: x = f.read()") == "1"
    assert "content" not in os.listdir("/")
    assert lab.run("with open('own.txt', 'w') as f: f.write('2')") is None
    assert lab.notes == [
        "`/content/drive/MyDrive/m` cannot be written here: it was written to the work folder.",
        "`/content/drive/MyDrive/m/a.txt` cannot be written here: it was written to the work folder.",
    ]


def test_course_helpers_have_stand_ins(lab):
    assert lab.run("from test_utils import summary, comparator\ncomparator(summary(1), [2])\nimport outputs") is None
    assert lab.notes == [
        "`test_utils` is not among the assignment's files: a stand-in that does nothing was imported.",
        "`outputs` is not among the assignment's files: a stand-in that does nothing was imported.",
    ]


def test_missing_packages_are_the_graders(lab):
    error = lab.run("import efficientnet.tfkeras as e")
    assert isinstance(error, ModuleNotFoundError)
    assert str(error) == "The grader does not have the package 'efficientnet'."
    assert str(lab.run("import tensorflw")) == "No module named 'tensorflw'"
    assert lab.value("import importlib.util\nx = importlib.util.find_spec('efficientnet')") is None


def test_libraries_get_the_ordinary_answer(lab):
    lib = lab.context.work.parent / "lib"
    lib.mkdir()
    (lib / "somelibrary.py").write_text(
        "try:\n    import utils_of_nobody_utils\nexcept ImportError as exc:\n    text = str(exc)\n"
    )
    assert (
        lab.value(f"import sys\nsys.path.append({str(lib)!r})\nimport somelibrary\nx = somelibrary.text")
        == "No module named 'utils_of_nobody_utils'"
    )


def test_downloads(lab):
    assert "There is no network here" in str(
        lab.run("import urllib.request\nurllib.request.urlretrieve('https://x/y.csv', 'y.csv')")
    )
    assert type(lab.run("import requests\nrequests.get('https://x/y')")).__name__ == "ConnectionError"
    code = "import urllib.request, zipfile\nurllib.request.urlretrieve('https://x/d.zip', 'd.zip')\nzipfile.ZipFile('d.zip').extractall('tmp')\nx = 1"  # noqa: E501
    assert lab.value(code) == 1
    assert lab.notes == [
        "`https://x/y.csv` was not downloaded: the grader has no network.",
        "`https://x/y` was not downloaded: the grader has no network.",
        "`https://x/d.zip` was not downloaded: the assignment's images were used.",
    ]


def test_nothing_waits(lab):
    assert isinstance(lab.run("input('name?')"), EOFError)
    assert (
        lab.run("import time\ntime.sleep(3)\nimport webbrowser\nwebbrowser.open('x')\nimport cv2\ncv2.imshow('a', 1)")
        is None
    )
    assert lab.notes == [
        "`input()` waits for somebody at the keyboard; there is nobody.",
        "`time.sleep(3)` was shortened to 1 s.",
        "`webbrowser.open` does nothing here.",
        "`cv2.imshow` does nothing here.",
    ]


def test_a_broken_hazard_costs_only_its_own_help(lab, monkeypatch):
    from grader.run.compat import colab

    def broken(context):
        raise KeyError("x")

    monkeypatch.setattr(colab, "before_imports", broken)
    install(lab.context, "before_imports")
    assert lab.notes == ["The grader's help with colab is off: KeyError: 'x'."]


@pytest.mark.parametrize(
    "path", ["/usr/X11R6/lib/X11/fonts/TTF", "/home/someone/.local/share/fonts", "/nowhere/.fonts"]
)
def test_folders_that_libraries_look_into_are_never_the_dataset(tmp_path, path):
    from grader.run.compat._paths import PathFinder

    said = []
    (tmp_path / "dataset" / "alpaca").mkdir(parents=True)
    finder = PathFinder(tmp_path, tmp_path / "dataset", ("alpaca",), said.append)
    assert finder.find_folder(path) is None
    assert finder.find_folder("/content/drive/dataset") is not None
    assert said == ["`/content/drive/dataset` does not exist here: the assignment's images were used."]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other semaphores")
def test_locks_of_multiprocessing_work_where_no_shared_memory_may_be_made(lab, monkeypatch):
    import _multiprocessing
    import multiprocessing
    from multiprocessing.pool import ThreadPool

    def refused(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_multiprocessing, "SemLock", refused)
    semaphores.before_imports(lab.context)
    assert _multiprocessing.SemLock is semaphores.PipeSemaphore
    with ThreadPool(3) as pool:
        assert pool.map(lambda number: number**2, range(50)) == [number**2 for number in range(50)]
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
    lock, again, some = context.Lock(), context.RLock(), context.BoundedSemaphore(2)
    with lock:
        assert not lock.acquire(block=False)
        assert not lock.acquire(timeout=0.01)
    with again, again:
        pass
    assert (some.acquire(), some.acquire(), some.acquire(block=False), some.get_value()) == (True, True, False, 0)
    some.release()
    some.release()
    with pytest.raises(ValueError, match="released too many times"):
        some.release()
    queue = context.Queue()
    queue.put("through a queue")
    assert queue.get(timeout=10) == "through a queue"
