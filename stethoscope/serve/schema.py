"""What answers look like, for the OpenAPI description."""

from pydantic import BaseModel, ConfigDict, Field


class HeardEvent(BaseModel):
    """Something that was heard."""

    start: float = Field(description="In seconds from the beginning of the recording.")
    end: float = Field(description="In seconds.")
    score: float = Field(description="0 to 1, the higher the surer.")
    reported_at: float = Field(
        description="When a stream would have reported that the event is on, in seconds."
    )


class VerdictDetails(BaseModel):
    """What a verdict rests on."""

    Message: str = Field(
        description="For people: `Component OK` or what is wrong; without a detector, the events."
    )
    Probabilities: list[float] = Field(
        description="Of each of the labels; without labels, of normal and anomalous."
    )
    Labels: list[str] | None = Field(
        default=None, description="Normal and the faults; only of a model with a diagnosis."
    )
    Score: float = Field(description="The higher, the more anomalous.")
    Threshold: float = Field(description="A recording that scores higher is anomalous.")
    MachineType: str
    MachineId: str | None = Field(
        description="The machine whose threshold was taken; null: the threshold of all together."
    )
    Model: str
    Events: list[HeardEvent] | None = Field(default=None, description="Only of a model of events.")


class VerdictPicture(BaseModel):
    """The recording's spectrogram and where in it the anomaly is: base64 of one byte per value, row
    by row, lowest band first.
    """

    Columns: int
    Bands: int
    Seconds: float
    Frequencies: list[float] = Field(description="Centre of every band, in Hz.")
    Spectrogram: str
    Deviation: str


class Verdict(BaseModel):
    """What is said of a recording."""

    Anomaly: bool
    Details: VerdictDetails
    Picture: VerdictPicture | None = Field(default=None, description="Only if asked for.")


class Result(BaseModel):
    """What is said of one recording of a batch: a verdict, or why there is none."""

    File: str
    Anomaly: bool | None = None
    Details: VerdictDetails | None = None
    Error: str | None = None
    Reason: str | None = None


class Batch(BaseModel):
    """What is said of several recordings, in the order they were sent."""

    Results: list[Result]


class Error(BaseModel):
    """Why there is no verdict."""

    Error: str = Field(description="For people: what was wrong and what to do.")
    Reason: str = Field(description="For programs: a word that stays the same.")
    RequestId: str = Field(description="To be found again in the service's log.")


class Health(BaseModel):
    """Whether the service or the model is live or ready."""

    model_config = ConfigDict(extra="allow")


class Server(BaseModel):
    """What serves."""

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
    """What the model knows and what the service takes."""

    roles: list[str] = Field(description="What the model does: detector, diagnosis, events.")
    detector: str | None
    machines: list[str]
    labels: list[str] = Field(description="Of the diagnosis and of the events.")
    sample_rate: int
    min_seconds: float
    max_seconds: float
    max_bytes: int
    refused_reload: str | None = Field(
        description="Why the bundle that lies in the folder now does not serve."
    )


class Model(BaseModel):
    """The model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    parameters: Parameters
