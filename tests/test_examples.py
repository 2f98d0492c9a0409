"""The notebooks of ``examples/`` run from the first cell to the last."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_notebook_runs_and_shows_verdicts_and_a_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(ROOT / "examples" / "recordings_to_verdicts.ipynb", as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    results = [
        output.data
        for cell in cells
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    texts = [one["text/plain"] for one in results]
    assert any("evaluation.overall.auc" in text for text in texts)
    assert any(text.startswith("[Verdict(") for text in texts)
    [explained] = [one["text/plain"] for one in results if "image/png" in one]
    assert explained.startswith("Explanation(Verdict(anomalous")


def test_notebooks_are_committed_without_results() -> None:
    for path in (ROOT / "examples").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        assert not any(cell.get("outputs") for cell in cells), path.name
