import itertools
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import asdict, dataclass, replace

import pytest
import torch
import yaml
from trainings import forget

from impasto.cli import launch
from impasto.cli.settings import with_settings
from impasto.data import check
from impasto.errors import DataError, OptionError
from impasto.methods.adain import recipes as adain
from impasto.methods.aggan import recipes as aggan
from impasto.methods.cyclegan import recipes as cyclegan
from impasto.methods.dncnn_cyclegan import recipes as dncnn
from impasto.methods.dncnn_cyclegan.network import GeneratorConfig
from impasto.methods.nla_cyclegan import recipes as nla_cyclegan
from impasto.methods.semantic_gan import recipes as semantic_gan
from impasto.recipes import lite_encoder
from impasto.training import figures
from impasto.training.cycle import CycleTraining
from impasto.training.loop import Recipe, Schedule, Trainable


@dataclass(frozen=True, kw_only=True)
class TinyRecipe(Recipe):
    schedule: Schedule = Schedule(steps=6, log_every=2, save_every=2)

    def build(self, accelerator, data, teacher):
        return Tiny(self, accelerator, data, teacher)


class Tiny(Trainable):
    """Learns to answer with 1; stands for a recipe that takes hours."""

    built: "list[Tiny]" = []  # noqa: RUF012
    stop_at = None

    def __init__(self, config, accelerator, data, teacher):
        self.config, self.accelerator, self.data, self.teacher = config, accelerator, data, teacher
        torch.manual_seed(config.seed)
        self.network = torch.nn.Linear(2, 1).to(accelerator.device)
        self.modules = {"network": self.network}
        self.optimizers = {"adam": torch.optim.Adam(self.network.parameters(), lr=0.1)}
        Tiny.built.append(self)

    def batches(self, start):
        while True:
            yield torch.ones(3, 2)

    def step(self, batch, step):
        if step == Tiny.stop_at:
            signal.raise_signal(signal.SIGINT)
        loss = (self.network(batch) - 1).square().mean()
        loss.backward()
        self.optimizers["adam"].step()
        self.optimizers["adam"].zero_grad()
        return {"loss": loss.detach()}

    def validate(self):
        return {"error": 0.5}

    def finish(self, folder):
        (folder / "result.txt").write_text(str(self.network.weight.tolist()))


@pytest.fixture
def run(impasto, fill, monkeypatch, fresh_accelerator):
    """`impasto train` as if in a process of its own; the folder `album` has two pictures."""
    monkeypatch.delenv("ACCELERATE_TORCH_DEVICE", raising=False)
    fill("album", 2)

    def started(*words):
        forget()
        return impasto("train", *words, "--device", "cpu")

    return started


@pytest.fixture
def train(run, folder, monkeypatch):
    """A recipe with one kind of pictures and a teacher."""
    monkeypatch.setattr(figures, "draw_losses", lambda *_: None)
    monkeypatch.setattr(lite_encoder, "lite_encoder", TinyRecipe)
    monkeypatch.setattr(Tiny, "built", [])
    monkeypatch.setattr(Tiny, "stop_at", None)
    (folder / "teacher.pth").write_bytes(b"teacher")
    return lambda *words: run("lite_encoder", "--data", "album", "--teacher", "teacher.pth", *words)


def test_trains_into_the_folder_and_says_so_line_by_line(train, folder):
    outcome = train("--out", "run")
    assert (outcome.code, outcome.out) == (0, "run\n")
    few, what, *lines = outcome.err.splitlines()
    assert few == "note: 2 pictures are few: expect the networks to know them by heart"
    assert what == "lite_encoder: 2 pictures, 6 steps, on cpu in fp32, into run"
    assert [line.split()[1] for line in lines] == ["1/6", "2/6", "4/6", "6/6", "6/6"]
    assert lines[0].startswith("lite_encoder 1/6  loss ")
    assert lines[-1].startswith("lite_encoder 6/6  error 0.5")
    assert (folder / "run" / "result.txt").exists()
    facts = json.loads((folder / "run" / "config.json").read_text())
    assert (facts["recipe"], facts["schedule"]["steps"], facts["pictures"]) == ("lite_encoder", 6, 2)
    assert (facts["precision"], facts["seed"]) == ("fp32", 0)


def test_steps_previews_seed_and_precision_reach_the_recipe(train):
    words = ["--steps", "3", "--preview-every", "2", "--evaluate-every", "3", "--seed", "7", "--precision", "bf16"]
    assert train("--out", "run", *words).code == 0
    made = Tiny.built[0]
    assert made.config.schedule == Schedule(steps=3, log_every=2, preview_every=2, validate_every=3, save_every=2)
    assert (made.config.schedule.steps, made.config.seed, made.accelerator.mixed_precision) == (3, 7, "bf16")
    assert (str(made.teacher), [str(path) for path in made.data]) == ("teacher.pth", ["album"])


@pytest.mark.parametrize("longer", [(), ("--steps", "8")])
def test_a_stopped_run_resumes_and_may_become_longer(longer, train, folder, monkeypatch):
    assert train("--out", "whole", *longer).code == 0
    monkeypatch.setattr(Tiny, "stop_at", 2)
    outcome = train("--out", "run")
    assert outcome.code == 130
    assert outcome.err.splitlines()[-2:] == [
        "stopping after this step; again to end now",
        "impasto: stopped; the run's state is in run, and --resume goes on with it",
    ]
    monkeypatch.setattr(Tiny, "stop_at", None)
    outcome = train("--out", "run", "--resume", *longer)
    assert outcome.code == 0
    assert outcome.err.splitlines()[2].startswith("lite_encoder 4/")
    assert (folder / "run" / "result.txt").read_text() == (folder / "whole" / "result.txt").read_text()
    about = json.loads((folder / "run" / "config.json").read_text())
    assert about.get("earlier lengths") == ([{"steps": 6, "until": 3}] if longer else None)


def test_a_run_is_made_longer(train, folder):
    assert train("--out", "whole", "--steps", "8").code == 0
    assert train("--out", "run").code == 0
    assert train("--out", "run", "--resume", "--steps", "8").code == 0
    assert (folder / "run" / "result.txt").read_text() == (folder / "whole" / "result.txt").read_text()
    about = json.loads((folder / "run" / "config.json").read_text())
    assert about["schedule"]["steps"] == 8
    assert about["earlier lengths"] == [{"steps": 6, "until": 6}]
    # It is a run of eight steps now, and says so only once.
    assert train("--out", "run", "--resume", "--steps", "8").code == 0
    assert json.loads((folder / "run" / "config.json").read_text()) == about
    for words in ([], ["--steps", "7"], ["--steps", "9", "--seed", "1"]):
        train("--out", "run", "--resume", *words).refuses(1, "cannot be resumed with other settings")
    assert json.loads((folder / "run" / "config.json").read_text()) == about


def test_another_run_is_neither_overwritten_nor_resumed(train, folder, draw):
    train("--out", "run")
    assert "already holds a run" in train("--out", "run").err
    train("--out", "run", "--resume", "--seed", "1").refuses(1, "seed was 0 and is now 1")
    draw(folder / "album" / "more.png")
    for words in ([], ["--resume"]):
        outcome = train("--out", "run", *words)
        assert "pictures was 2 and is now 3; new: more.png" in outcome.err
        assert "picture_names" not in outcome.err
    (folder / "album" / "more.png").unlink()
    next((folder / "album").glob("*.png")).rename(folder / "album" / "renamed.png")
    assert "new: renamed.png; gone: " in train("--out", "run", "--resume").err
    assert "holds no run to resume" in train("--out", "other", "--resume").err


def test_a_missing_teacher_is_said_and_leaves_no_run(run, folder):
    outcome = run("lite_encoder", "--data", "album", "--out", "run", "--teacher", "none.pth")
    outcome.refuses(1, "impasto: none.pth: there is no such file\n")
    assert not (folder / "run").exists()


def test_many_pictures_are_told_before_they_are_looked_at(train, monkeypatch):
    monkeypatch.setattr("impasto.cli.data.MANY", 2)
    assert train("--out", "run").err.startswith("looking at 2 pictures\n")


def test_show_prints_the_recipe_and_trains_nothing(run, folder):
    outcome = run("semantic_gan", "--show", "--set", "crop=128", "generator.width=8", "--steps", "7")
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == ["album", "photo.png", "style.png"]
    shown = yaml.safe_load(outcome.out)
    expected = replace(
        semantic_gan.semantic_gan(), crop=128, generator=replace(semantic_gan.semantic_gan().generator, width=8)
    )
    expected = replace(expected, schedule=replace(expected.schedule, steps=7))
    assert shown == json.loads(json.dumps(asdict(expected)))
    assert "  attention: full  # none or quarter or half or full\n" in outcome.out
    *_, last = outcome.out.splitlines()
    pair = expected.networks()
    made = sum(weight.numel() for weight in pair.generator.parameters())
    judging = sum(weight.numel() for weight in pair.discriminator.parameters())
    assert last == f"# weights: {made:,} of each of two generators, {judging:,} of each of two discriminators"
    assert "# weights" not in run("lite_encoder", "--show").out
    assert run("semantic_gan", "--show", "--set", "bacth=2").code == 2


def test_a_missing_extra(train, monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    train("--out", "run").refuses(1, "pip install '.[train]'")


def test_only_the_first_process_reports(train, monkeypatch):
    monkeypatch.setattr("accelerate.Accelerator.is_main_process", False)
    outcome = train("--out", "run")
    assert (outcome.out, outcome.err) == ("", "")


# --- several processes -----------------------------------------------------------------------------------------------


def test_what_torchrun_started_must_be_what_is_asked_for(train, folder, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    train("--out", "run", "--devices", "4").refuses(2, "--devices is 4, but torchrun has started 2 processes\n")
    assert not (folder / "run").exists()


def test_more_gpus_than_there_are_are_refused(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(OptionError, match="--devices is 3, but PyTorch sees 2 CUDA devices here"):
        launch.Machines(devices=3).check()
    with pytest.raises(OptionError, match="--devices is 2, but --device cuda:1 is a single one"):
        launch.Machines(devices=2, device="cuda:1").check()
    for devices, device, count in ((2, "cuda", 2), (1, "cuda:1", 1), (None, "auto", 1)):
        machines = launch.Machines(devices=devices, device=device)
        machines.check()
        assert (machines.count, machines.has_to_start) == (count, count > 1)


def test_a_run_goes_on_with_as_many_processes(train, folder, monkeypatch):
    started = []
    monkeypatch.setattr(launch, "start", lambda machines: started.append(machines.count) or 0)
    assert train("--out", "run", "--devices", "2").code == 0
    assert (started, (folder / "run").exists()) == ([2], False)
    assert train("--out", "run", "--devices", "1").code == 0
    facts = json.loads((folder / "run" / "config.json").read_text())
    assert facts["processes"] == 1
    (folder / "run" / "config.json").write_text(json.dumps(facts | {"processes": 2}))
    assert "processes was 2 and is now 1" in train("--out", "run", "--resume").err


def command(folder, *words):
    """`impasto train` in a process of its own."""
    words = [sys.executable, "-m", "impasto", "train", *words, "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(words, cwd=folder, env=environment, stdout=-1, stderr=-1, text=True, start_new_session=True)


@pytest.mark.slow
def test_devices_starts_processes_that_stop_and_resume_together(folder, fill):
    fill("A", 9)
    fill("B", 9)
    words = ["exp_smallBS", "--data", "A=A", "--data", "B=B", "--out", "run", "--devices", "2"]
    words += ["--accumulate", "2", "--steps", "400"]
    process = command(folder, *words)
    while not (folder / "run" / "tensorboard").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "stopped; the run's state is in run" in err
    assert "Traceback" not in err
    step = json.loads((folder / "run" / "state.json").read_text())["step"]
    assert 0 < step < 400
    assert json.loads((folder / "run" / "config.json").read_text())["processes"] == 2
    again = command(folder, *words, "--resume")
    events = len(list((folder / "run" / "tensorboard").iterdir()))
    while len(list((folder / "run" / "tensorboard").iterdir())) == events:
        assert again.poll() is None, again.communicate()
        time.sleep(0.1)
    os.kill(again.pid, signal.SIGTERM)  # to the first process alone, as a scheduler does
    _, err = again.communicate(timeout=300)
    assert again.returncode == 130, err
    assert json.loads((folder / "run" / "state.json").read_text())["step"] > step


# --- shards that stay where they are ---------------------------------------------------------------------------------


def test_a_run_over_shards_resumes_exactly(run, folder, draw, monkeypatch):
    monkeypatch.setattr(figures, "draw_losses", lambda *_: None)
    for kind, number in itertools.product("AB", range(2)):
        with tarfile.open(folder / f"{kind}-{number}.tar", "w") as tar:
            for picture in range(3):
                tar.add(draw(folder / "picture.png", 10 * number + picture), f"{number}{picture}.png")
    shards = [f"{kind}=file://{folder}/{kind}-{{0..1}}.tar" for kind in ("A", "B")]
    words = ["exp_smallBS", "--steps", "4", "--set", "crop=8", "shorter=10", "held_out=1", "generator.depth=1"]
    words += ["generator.width=2", "save_every=2", "--shards", *shards]
    assert run(*words, "--out", "whole").code == 0
    learn = CycleTraining.step

    def stopped(self, batch, step):
        if step == 2:
            signal.raise_signal(signal.SIGINT)
        return learn(self, batch, step)

    monkeypatch.setattr(CycleTraining, "step", stopped)
    assert run(*words, "--out", "stopped").code == 130
    monkeypatch.setattr(CycleTraining, "step", learn)
    assert run(*words, "--out", "stopped", "--resume").code == 0
    for name in ("generators.safetensors", "state-0000004.safetensors"):
        assert (folder / "stopped" / name).read_bytes() == (folder / "whole" / name).read_bytes()
    assert json.loads((folder / "whole" / "config.json").read_text())["pictures"] == 12
    # Nothing of them was looked at before; who wants that reads all of them once.
    assert json.loads((folder / "whole" / "pictures.json").read_text())["pictures"] == {}
    assert run(*words, "--out", "looked", "--skip-unreadable").code == 0
    assert len(json.loads((folder / "looked" / "pictures.json").read_text())["pictures"]) == 12


def test_a_run_without_pictures_is_refused(run):
    outcome = run("lite_encoder", "--teacher", "teacher.pth", "--out", "run")
    outcome.refuses(2, "--data FOLDER is missing, or --shards ADDRESS: the pictures to learn from\n")


# --- the contract of an experiment -----------------------------------------------------------------------------------


def test_a_folder_resumes_its_experiment_or_refuses_another(run, folder, fill, monkeypatch):
    small = replace(
        dncnn.dncnn_cyclegan_small_batch_decay(), schedule=Schedule(steps=2, log_every=1, save_every=1), crop=8,
        shorter=10, held_out=1, generator=GeneratorConfig(depth=1, width=2),
    )  # fmt: skip
    monkeypatch.setattr(dncnn, "dncnn_cyclegan_small_batch_decay", lambda: small)
    even = replace(small, rates=replace(small.rates, factor=1.0))
    monkeypatch.setattr(dncnn, "dncnn_cyclegan_small_batch", lambda: even)
    fill("A", 3)
    fill("B", 3)
    kinds = ("--data", "A=A", "--data", "B=B", "--out", "run")
    assert run("exp_smallBS_decay", *kinds).code == 0
    config = folder / "run" / "config.json"
    name = "dncnn_cyclegan_small_batch_decay"
    assert json.loads(config.read_text())["recipe"] == name
    assert run(name, *kinds, "--resume").code == 0
    different = f"rates.factor was 0.99 and is now 1.0; recipe was '{name}' and is now 'dncnn_cyclegan_small_batch'"
    run("exp_smallBS", *kinds, "--resume").refuses(1, f"run: cannot be resumed with other settings: {different}\n")
    taken = "run: already holds a run of other settings; choose another folder"
    run("exp_smallBS", *kinds).refuses(1, f"{taken} ({different})\n")
    # Of an earlier version, which called the recipe as the paper does.
    config.write_text(config.read_text().replace(name, "exp_smallBS_decay"))
    assert run(name, *kinds, "--resume").code == 0


def test_a_run_from_before_some_settings_is_resumed(train, folder):
    assert train("--out", "run").code == 0
    facts = json.loads((folder / "run" / "config.json").read_text())
    del facts["processes"], facts["schedule"]["keep"]
    (folder / "run" / "config.json").write_text(json.dumps(facts))
    assert train("--out", "run", "--resume").code == 0


# --- a recipe that tells two kinds of pictures apart -----------------------------------------------------------------


@pytest.fixture
def two_kinds(run, fill, monkeypatch):
    """The recipes adain and adain_paper in miniature, and the folders `photos` and `paintings` for them."""
    schedule = Schedule(steps=2, log_every=1, preview_every=5, validate_every=5, save_every=5)
    small = replace(
        adain.adain(), schedule=schedule, stages=((0.0, 2, 32),), content_sides=(36,), style_sides=(36, 48), held_out=1
    )
    paper = replace(adain.adain_paper(), schedule=schedule, batch=2, crop=32, shorter=(36, 48), held_out=1)
    monkeypatch.setattr(adain, "adain", lambda: small)
    monkeypatch.setattr(adain, "adain_paper", lambda: paper)
    fill("photos", 3)
    fill("paintings", 3, seed=10)
    return lambda *words: run("adain", "--out", "run", *words)


KINDS = ("--data", "content=photos", "--data", "style=paintings")


def test_trains_a_decoder_from_two_kinds_of_pictures(two_kinds, folder):
    outcome = two_kinds(*KINDS, "--preview-every", "1", "--data", "style=paintings")
    assert (outcome.code, outcome.out) == (0, "run\n")
    made = {path.name for path in (folder / "run").iterdir()}
    assert made >= {"config.json", "decoder.safetensors", "losses.png", "previews.png", "previews", "tensorboard"}
    assert [path.name for path in figures.previews_of(folder / "run")] == ["0000001.png", "0000002.png"]
    facts = json.loads((folder / "run" / "config.json").read_text())
    assert (facts["pictures"], facts["recipe"], facts["encoder"]) == (9, "adain", "lite")
    assert "weights" not in facts
    # A finished run is not trained again, but its figures are redrawn.
    (folder / "run" / "previews.png").unlink()
    assert two_kinds(*KINDS, "--preview-every", "1", "--data", "style=paintings", "--resume").code == 0
    assert (folder / "run" / "previews.png").exists()
    assert "schedule.preview_every was" in two_kinds(*KINDS, "--data", "style=paintings", "--resume").err


def test_files_of_pictures_and_networks_reach_the_recipe(two_kinds, run, folder, monkeypatch):
    built = []

    def remember(config, data, file):
        data = {kind: [path.absolute() for path in paths] for kind, paths in data.items()}
        built.append((config.encoder, data, file.absolute()))
        raise DataError("enough")

    monkeypatch.setattr(
        adain.AdaINRecipe, "build", lambda config, _, data, *, start=None: remember(config, data, start)
    )
    monkeypatch.setattr(
        adain.PaperRecipe, "build", lambda config, _, data, *, weights=None: remember(config, data, weights)
    )
    photos, paintings, album, network = (folder / name for name in ("photos", "paintings", "album", "net.pth"))
    network.write_bytes(b"weights")
    with tarfile.open(folder / "photos.tar", "w") as tar:
        tar.add(photos / "0.png", "0.png")
    run("adain_paper", "--out", "run", *KINDS, "--encoder", "vgg19", "--vgg19", "net.pth", "--data", "content=album")
    run("adain", "--out", "run", "--data", "content=photos.tar", *KINDS[2:], "--start", "net.pth")
    assert built == [
        ("vgg19", {"content": [photos, album], "style": [paintings]}, network),
        ("lite", {"content": [folder / "photos.tar"], "style": [paintings]}, network),
    ]


def test_files_of_networks_that_a_recipe_has_no_use_for(two_kinds, run):
    for recipe, file, code, said in (
        ("adain_paper", "--vgg19", 2, "a file of weights is for the encoder vgg19; lite carries its own"),
        ("adain_paper", "--start", 2, "the recipe adain_paper has no use for --start"),
        ("adain", "--vgg19", 2, "a file of weights is for the encoder vgg19; lite carries its own"),
        ("adain", "--start", 1, "photo.png: is damaged or is not a safetensors file"),
    ):
        run(recipe, "--out", "run", *KINDS, file, "photo.png").refuses(code, f"impasto: {said}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*KINDS, "--start", "none.safetensors"], "none.safetensors: there is no such file"),
        ([*KINDS, "--data", "style=nowhere"], "nowhere: there is no such folder"),
        ([*KINDS, "--data", "style=words.txt"], "words.txt: is no tar, or is damaged: invalid header"),
        ([*KINDS, "--resume"], "run: holds no run to resume"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_two_kinds_is_said_and_leaves_no_run(two_kinds, folder, words, said):
    (folder / "words.txt").write_text("words" * 200)
    two_kinds(*words).refuses(1, f"impasto: {said}\n")
    assert not (folder / "run").exists()


def test_too_few_pictures_of_a_kind_are_said_and_leave_no_run(two_kinds, folder):
    (folder / "paintings" / "0.png").unlink()
    (folder / "paintings" / "1.png").unlink()
    two_kinds(*KINDS).refuses(1, "1 pictures are too few to hold 1 of them out")
    assert not (folder / "run").exists()


# --- what the pictures are looked at for -----------------------------------------------------------------------------


@pytest.fixture
def looked(two_kinds, monkeypatch):
    """As `two_kinds`, with a training of no time."""
    monkeypatch.setattr(Tiny, "built", [])
    monkeypatch.setattr(
        adain.AdaINRecipe, "build", lambda config, accelerator, data, **_: Tiny(config, accelerator, data, None)
    )
    return two_kinds


def test_pictures_that_cannot_be_read_are_all_named_before_the_first_step(looked, folder):
    (folder / "photos" / "bad.png").write_bytes(b"no picture")
    cut = (folder / "paintings" / "0.png").read_bytes()[:-30]
    (folder / "paintings" / "cut.png").write_bytes(cut)
    outcome = looked(*KINDS)
    assert (outcome.code, outcome.out) == (1, "")
    first, *others = outcome.err.splitlines()
    assert first == "impasto: 2 of 8 pictures cannot be read; take them out, or train with --skip-unreadable:"
    assert [line.split(":")[0] for line in others] == ["  photos/bad.png", "  paintings/cut.png"]
    assert not (folder / "run").exists()


def test_skipping_what_cannot_be_read_is_training_without_it(looked, folder):
    (folder / "photos" / "bad.png").write_bytes(b"no picture")
    outcome = looked(*KINDS, "--skip-unreadable")
    assert outcome.code == 0
    assert outcome.err.splitlines()[:2] == [
        "note: 1 pictures cannot be read and are left out:",
        "  photos/bad.png: it is not a picture, or damaged, or of an unknown format; known are JPEG, PNG, WebP, TIFF,"
        " BMP, GIF, AVIF",
    ]
    (training,) = Tiny.built
    assert [len(files) for files in training.data.values()] == [3, 3]
    assert "bad.png" not in str(training.data)
    assert json.loads((folder / "run" / "config.json").read_text())["pictures"] == 6
    for path in (folder / "photos").glob("?.png"):
        path.write_bytes(b"")
    outcome = looked(*KINDS, "--skip-unreadable", "--resume")
    assert (outcome.code, "no picture of content can be read" in outcome.err) == (1, True)


def test_a_resumed_run_does_not_look_again(looked, folder, monkeypatch):
    assert looked(*KINDS).code == 0

    def look(picture):
        raise AssertionError(f"{picture} was read again")

    monkeypatch.setattr(check, "_look", look)
    assert looked(*KINDS, "--resume").code == 0


def test_copies_and_small_pictures_are_said(looked, folder):
    (folder / "photos" / "again.png").write_bytes((folder / "photos" / "0.png").read_bytes())
    said = looked(*KINDS).err
    assert "note: content: 1 files have the bytes of another one" in said
    assert "note: content: 4 of 4 pictures are smaller than a crop of 32 pixels" in said


# --- the layout of CycleGAN's data sets ------------------------------------------------------------------------------


@pytest.fixture
def unpaired(run, fill, monkeypatch):
    """The recipe cyclegan up to where it is built, as (settings, data), and a folder `set` with trainA and trainB."""
    built = []

    def remember(config, accelerator, data):
        built.append((config, {kind: [str(path) for path in paths] for kind, paths in data.items()}))
        raise DataError("enough")

    monkeypatch.setattr(cyclegan.CycleGANRecipe, "build", remember)
    fill("set/trainA", 9)
    fill("set/trainB", 9, seed=10)

    def started(*words):
        built.clear()
        outcome = run("cyclegan", "--out", "run", *words)
        return built[0] if built else outcome

    return started


def test_a_folder_with_trainA_and_trainB_is_both_kinds(unpaired, fill):  # noqa: N802
    def built(*words):
        settings, data = unpaired(*words)
        return settings.schedule.steps, data

    halves = {"A": ["set/trainA"], "B": ["set/trainB"]}
    # 200 epochs of the 5 pictures that are not held out.
    assert built("--data", "set") == (200 * 5, halves)
    assert built("--data", "A=set/trainA", "--data", "B=set/trainB") == (200 * 5, halves)
    fill("set/testB", 1, seed=99)
    # The pictures of B are all trained on now.
    assert built("--data", "set") == (200 * 9, halves | {"testB": ["set/testB"]})
    words = ("--data", "A=set/trainA", "--data", "B=set/trainB", "--data", "testB=set/testB")
    assert built(*words) == (200 * 9, halves | {"testB": ["set/testB"]})


def test_the_measure_of_the_best_reaches_the_recipe(unpaired):
    settings, _ = unpaired("--data", "set", "--best-by", "cycle PSNR", "--evaluate-every", "7")
    assert (settings.best_by, settings.schedule.validate_every) == ("cycle PSNR", 7)


def test_any_field_reaches_the_recipe_from_the_command_line_and_from_a_file(unpaired, folder):
    words = ["batch=4", "crop=128", "save_every=50", "generator.width=32"]
    typed, _ = unpaired("--data", "set", "--set", *words)
    (folder / "impasto.yaml").write_text(f"train: {{set: [{', '.join(words)}]}}")
    written, _ = unpaired("--data", "set")
    for one in (typed, written):
        assert (one.batch, one.crop, one.schedule.save_every, one.generator.width) == (4, 128, 50, 32)
    unpaired("--data", "set", "--set", "bacth=4").refuses(2, "did you mean 'batch'")


def test_a_layout_without_pictures_is_said(unpaired, folder):
    (folder / "set" / "testA").mkdir()
    assert "set/testA: holds no pictures" in unpaired("--data", "set").err


# --- any field of a recipe, of its kind, found by its name -----------------------------------------------------------


def changed(config, *given):
    """{place: value} of what is other than before."""

    def flat(values, outer=""):
        for name, value in values.items():
            if isinstance(value, dict):
                yield from flat(value, f"{outer}{name}.")
            else:
                yield f"{outer}{name}", value

    before, after = (dict(flat(asdict(one))) for one in (config, with_settings(config, given)))
    return {name: value for name, value in after.items() if value != before[name]}


def test_fields_and_fields_of_fields():
    config = nla_cyclegan.nla_cyclegan()
    given = (
        "batch=4",
        "crop=128",
        "save_every=50",
        "generator.width=32",
        "rates.rate=1e-3",
        "optimizer.betas=0.9, 0.99",
    )
    assert changed(config, *given) == {
        "batch": 4, "crop": 128, "schedule.save_every": 50, "generator.width": 32, "rates.rate": 1e-3,
        "optimizer.betas": (0.9, 0.99),
    }  # fmt: skip
    assert changed(config, "compose=true", "upsampling=resize") == {
        "generator.compose": True, "generator.upsampling": "resize"
    }  # fmt: skip
    assert [changed(config, f"epoch={word}") for word in ("A", "300", "max")] == [{"epoch": "A"}, {"epoch": 300}, {}]
    assert changed(aggan.aggan(), "foreground_from=5") == {"foreground_from": 5}
    assert changed(semantic_gan.semantic_gan(), "spectral_norm=true") == {"spectral_norm": True}
