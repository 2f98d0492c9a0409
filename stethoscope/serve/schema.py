"""The form of the answers, for the OpenAPI description."""

from pydantic import BaseModel, ConfigDict, Field


class Event(BaseModel):
    """An event in a recording."""

    start: float = Field(description="In seconds from the beginning of the recording.")
    end: float = Field(description="In seconds.")
    score: float = Field(description="0 to 1; higher is more certain.")
    reported_at: float = Field(
        description="When a stream would have reported that the event is on, in seconds."
    )
    label: str = Field(description="Of its class; joined by commas if a class has several.")


class Caution(BaseModel):
    """Why a verdict may be wrong: how the recording is unlike those of the training."""

    Reason: str = Field(description="For programs: an identifier that stays the same.")
    Message: str = Field(description="For people: what is unlike, and what to do.")


class Stretch(BaseModel):
    """A part of a long recording."""

    Start: float = Field(description="In seconds.")
    End: float = Field(description="In seconds.")


class RefusedWindow(Stretch):
    """A window of a long recording that cannot be judged, and why."""

    Reason: str = Field(description="For programs: an identifier that stays the same.")
    Message: str = Field(description="For people: what is wrong, and what to do.")


class RecordingTimeline(BaseModel):
    """The windows of a long recording."""

    Window: float = Field(description="Length of a window, in seconds.")
    Step: float = Field(description="From the start of a window to that of the next, in seconds.")
    Starts: list[float] = Field(
        description="Start of every window, in seconds; the last one ends with the recording."
    )
    Scores: list[float | None] = Field(
        description="Score of every window; null where it cannot be judged."
    )
    Anomalous: int = Field(description="Number of anomalous windows.")
    Stretches: list[Stretch] = Field(
        description="Where at least 3 of 5 consecutive windows are anomalous."
    )
    Refused: list[RefusedWindow] = Field(description="Windows that cannot be judged.")


class VerdictDetails(BaseModel):
    """The details of a verdict."""

    Message: str = Field(
        description=(
            "For people: `Component OK`, `Anomaly`, the likeliest fault, or `Unknown fault` if an "
            "anomalous recording resembles no known one; without a detector, the events or the "
            "likeliest class."
        )
    )
    Probabilities: list[float] = Field(
        description=(
            "Of each of the labels; "
            "without labels, the fractions of normal clips that score higher and lower."
        )
    )
    Labels: list[str] | None = Field(
        default=None,
        description="Normal and the faults, or the classes; only for a model of these.",
    )
    FaultDistance: float | None = Field(
        default=None,
        description=(
            "Distance from the nearest group of known faults. Above 1 the recording lies farther "
            "from all groups than their own recordings."
        ),
    )
    Score: float = Field(description="Higher is more anomalous.")
    Threshold: float = Field(description="A recording that scores higher is anomalous.")
    MachineType: str
    MachineId: str | None = Field(
        description=(
            "The machine whose threshold was used; null if it was the threshold of all together."
        )
    )
    Model: str
    Events: list[Event] | None = Field(default=None, description="Only for a model of events.")
    Warnings: list[Caution] | None = Field(
        default=None, description="Only where the recording is unlike those of the training."
    )
    Timeline: RecordingTimeline | None = Field(
        default=None,
        description=(
            "Only for a recording of at least 1.5 windows. Its score is the median of the scores "
            "of its windows."
        ),
    )


class VerdictPicture(BaseModel):
    """The spectrogram of a recording and what in it made the score.

    Values are base64 of one byte each, row by row, the lowest band first.
    """

    Columns: int
    Bands: int
    Seconds: float
    Frequencies: list[float] = Field(description="Centre of every band, in Hz.")
    Spectrogram: str
    Deviation: str = Field(
        description=(
            "How strongly each place contributes to what lies above the threshold, on one scale "
            "for all recordings of a machine; 0 everywhere in a recording that is not anomalous. "
            "Of a long recording: in its anomalous windows, 0 in the others. "
            "Without a detector, the scores of the events."
        )
    )
    Parts: dict[str, float] = Field(
        default={}, description="Contributions of the detector's views to the score."
    )


class Verdict(BaseModel):
    """The verdict on a recording."""

    Anomaly: bool
    Details: VerdictDetails
    Picture: VerdictPicture | None = Field(default=None, description="Only if asked for.")


class Result(BaseModel):
    """The result for one recording of a batch: a verdict, or why there is none."""

    File: str
    Anomaly: bool | None = None
    Details: VerdictDetails | None = None
    Error: str | None = None
    Reason: str | None = None


class Batch(BaseModel):
    """The results for several recordings, in the order in which they were sent."""

    Results: list[Result]


class Error(BaseModel):
    """Why there is no verdict."""

    Error: str = Field(description="For people: what is wrong and what to do.")
    Reason: str = Field(description="For programs: an identifier that stays the same.")
    RequestId: str = Field(description="Id of the request in the service's log.")


class Health(BaseModel):
    """Whether the service or the model is live or ready."""

    model_config = ConfigDict(extra="allow")


class Server(BaseModel):
    """The server."""

    name: str
    version: str
    extensions: list[str]
    models: list[str] = Field(description="Names for `/v2/models/{name}`.")


class Tensor(BaseModel):
    """An input or output of the model."""

    name: str
    datatype: str
    shape: list[int]


class Parameters(BaseModel):
    """What the model knows and what the service accepts."""

    roles: list[str] = Field(
        description="The roles of the model: detector, diagnosis, events, classifier."
    )
    decider: str = Field(description="The role that decides what is anomalous.")
    detector: str | None
    machines: list[str]
    labels: list[str] = Field(description="Of the diagnosis, the events and the classes.")
    sample_rate: int
    min_seconds: float
    max_seconds: float
    max_bytes: int
    refused_reload: str | None = Field(
        description="Why the bundle that is now in the folder is not used."
    )


class Model(BaseModel):
    """The model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    parameters: Parameters
