import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

import stethoscope
from stethoscope.cli import main
from stethoscope.errors import AudioError, ModelError, ParameterError


@pytest.fixture(scope="module")
def clip(fan_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with zipfile.ZipFile(fan_archive) as archive:
        name = "fan/test/anomaly_id_00_00000000.wav"
        return Path(archive.extract(name, tmp_path_factory.mktemp("clip")))


def test_importing_the_package_loads_nothing_else() -> None:
    program = (
        "import sys, stethoscope\n"
        "print([one for one in sys.modules if one.startswith('stethoscope.')])\n"
        "print('numpy' in sys.modules, stethoscope.load.__name__, 'run' in dir(stethoscope))\n"
        "print(sys.modules.keys() & {'tensorflow', 'scipy', 'sklearn', 'matplotlib', 'kfp'})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[]", "False load True", "set()"], done.stderr
    with pytest.raises(AttributeError, match="has no attribute 'laod'"):
        _ = stethoscope.laod


def test_every_name_of_the_interface_exists() -> None:
    assert all(getattr(stethoscope, name) for name in stethoscope.__all__)


def test_a_model_judges_a_file_as_the_command_does(
    fan_bundle: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = stethoscope.load(fan_bundle)
    verdict = model.predict(clip)
    main(["predict", str(fan_bundle), str(clip)])
    assert json.loads(capsys.readouterr().out) == {"File": str(clip), **verdict.to_json()}
    assert model.machines == ["fan/00", "fan/02"]
    assert repr(model) == f"Model({model.name!r}, machines=['fan/00', 'fan/02'])"
    assert f"score={verdict.score:.4g}" in repr(verdict)
    assert repr(verdict).startswith("Verdict(anomalous" if verdict.anomaly else "Verdict(normal")


def test_samples_are_judged_as_the_file_that_holds_them(fan_bundle: Path, clip: Path) -> None:
    model = stethoscope.load(fan_bundle)
    expected = model.predict(clip)
    floats, rate = soundfile.read(clip)
    whole, _ = soundfile.read(clip, dtype="int16")
    for samples in (floats, floats[np.newaxis], np.stack([floats, 0 * floats]), whole):
        verdict = model.predict(samples, sample_rate=rate, machine_id="00")
        assert verdict.score == pytest.approx(expected.score, rel=1e-6)
        assert verdict.machine == "fan/00"
    with clip.open("rb") as file:
        assert model.predict(file, machine_id="00") == expected
    assert model.predict(clip.read_bytes(), machine_id="00") == expected


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(16_000), None, "sample_rate is None; give that of the array"),
        (np.zeros(16_000), 0, "sample_rate is 0"),
        (np.zeros((16_000, 2)), 16_000, r"shape \(16000, 2\).*give numbers of the shape"),
        (np.zeros((2, 2, 99)), 16_000, "give numbers of the shape"),
        (np.zeros(16_000, dtype=complex), 16_000, "give numbers of the shape"),
        ("a.wav", 16_000, "sample_rate is for an array only"),
    ],
)
def test_samples_that_are_no_sound_are_refused(
    samples: object, rate: int | None, message: str, fan_bundle: Path
) -> None:
    with pytest.raises(ParameterError, match=message):
        stethoscope.load(fan_bundle).predict(samples, sample_rate=rate)
    with pytest.raises(AudioError, match="silence"):
        stethoscope.load(fan_bundle).predict(np.zeros(16_000), sample_rate=16_000)


def test_an_explanation_has_arrays_on_the_axes_and_a_figure(fan_bundle: Path, clip: Path) -> None:
    model = stethoscope.load(fan_bundle)
    with clip.open("rb") as file:
        assert model.explain(file, machine_id="00").verdict.score == model.predict(clip).score
    found = model.explain(clip)
    assert found.verdict == model.predict(clip)
    assert found.spectrogram.shape == (len(found.times), len(found.frequencies))
    assert found.evidence.shape == found.strengths.shape
    assert len(found.evidence) == len(found.times)
    assert found.times[-1] == pytest.approx(1.0, abs=0.05)
    assert found.frequencies[-1] <= 8000
    unit = model.bundle.thresholds.unit("fan/00")
    above = max(found.verdict.score - found.verdict.threshold, 0) / unit
    assert found.strengths.mean() == pytest.approx(above, rel=1e-3)
    assert found._repr_png_().startswith(b"\x89PNG")
    assert [axes.get_title() for axes in found.figure().axes[:2]] == [
        f"{found.verdict.message}: score {found.verdict.score:.3g} ({found.verdict.threshold:.3g})",
        "What made the score exceed the threshold",
    ]


def test_loading_what_is_no_bundle_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a bundle folder"):
        stethoscope.load(tmp_path)


def test_bundle_that_crashes_its_trial_is_an_error_and_a_sound_one_is_loaded(
    fan_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stethoscope.load(fan_bundle, trial=True).machines == ["fan/00", "fan/02"]
    (tmp_path / "crash.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr("stethoscope.bundle.trial.__name__", "crash")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelError, match=f"{fan_bundle}.*crashed"):
        stethoscope.load(fan_bundle, trial=True)
