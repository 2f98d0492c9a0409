// Sends a recording to the service and shows its verdict. It uses no library and loads nothing from other sites.

const $ = (id) => document.getElementById(id);
const MAX_HISTORY = 50;
const MAX_SOUNDS = 10; // the newest ones keep their sound and picture
const MAX_RECORDING = 60; // seconds
const history = [];
let shown = null;

// ---- requests ----

function headers() {
  return $("key").value ? { authorization: `Bearer ${$("key").value}` } : {};
}

async function request(path, options = {}) {
  const response = await fetch(path, { ...options, headers: headers() });
  const answer = await response.json().catch(() => ({}));
  if (response.status === 401) $("key-row").hidden = false;
  if (!response.ok) throw new Error(answer.Error || `The service answers with status ${response.status}.`);
  return answer;
}

async function judge(blob, name) {
  const form = new FormData();
  const machine = $("machine").value.trim();
  if (machine) form.append("machine_id", machine);
  form.append("file", blob, name);
  const entry = { name, blob, at: new Date() };
  try {
    entry.answer = await request("inference?picture=true", { method: "POST", body: form });
  } catch (error) {
    entry.error = error instanceof TypeError ? "The service cannot be reached. Is it still running?" : error.message;
  }
  history.unshift(entry);
  history.length = Math.min(history.length, MAX_HISTORY);
  for (const old of history.slice(MAX_SOUNDS)) {
    old.blob = null;
    if (old.answer) delete old.answer.Picture;
  }
  return entry;
}

async function judgeAll(files) {
  if (!files.length) return;
  busy(true);
  let last = null;
  for (const [index, file] of [...files].entries()) {
    showStatus(files.length > 1 ? `Judging ${file.name}, ${index + 1} of ${files.length}` : `Judging ${file.name}`);
    last = await judge(file, file.name);
    showHistory();
    if (last.answer) show(last);
  }
  busy(false);
  if (last.error) return showStatus(last.error, true);
  showStatus(`${last.name}: ${last.answer.Details.Message}`);
  $("result").scrollIntoView({ block: "nearest" });
  return undefined;
}

function showStatus(text, wrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
}

function busy(on) {
  document.body.classList.toggle("busy", on);
  $("choose").disabled = on;
  $("record").disabled = on && !recorder;
}

// ---- showing ----

const number = (value) => (Math.abs(value) >= 1000 || (value && Math.abs(value) < 0.01) ? value.toExponential(2) : Number(value.toPrecision(4)).toString());
const percent = (share) => (share > 0 && share < 0.001 ? "< 0.1 %" : share < 1 && share > 0.999 ? "> 99.9 %" : `${(100 * share).toFixed(1)} %`);
let decider = "detector"; // the role of the model that decides what is anomalous
let allLabels = ""; // of the model
const ofEvents = () => decider === "events";
const ofClasses = () => decider === "diagnosis" || decider === "classifier";
const kind = (entry) => (entry.error ? "none" : entry.answer.Anomaly ? "anomaly" : "normal");
const clock = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function show(entry) {
  shown = entry;
  const { Anomaly, Details } = entry.answer;
  $("result").hidden = false;
  $("result").className = `card result ${kind(entry)}`;
  $("message").textContent = Details.Message;
  const machine = [Details.MachineType, Details.MachineId].filter(Boolean).join(" ");
  const judged = decider !== "detector" ? "" : ` · threshold of ${machine}${Details.MachineId ? "" : ", all ids"}`;
  $("about").textContent = `${entry.name}${judged}`;
  showWarnings(Details.Warnings ?? []);
  $("gauge-part").hidden = ofClasses(); // the bars below say more
  showGauge(Details);
  showProbabilities(Details, Anomaly);
  showTimeline(Details);
  showEvents(Details.Events);
  showPicture(entry);
  for (const [index, button] of [...document.querySelectorAll("#history button")].entries()) {
    button.toggleAttribute("aria-current", history[index] === entry);
  }
}

function showWarnings(warnings) {
  $("warnings").replaceChildren(...warnings.map(({ Message }) => element("li", "", `Unlike the training recordings: ${Message}.`)));
  $("warnings").hidden = !warnings.length;
}

function showGauge({ Score, Threshold, Timeline }) {
  // Scores of some detectors are negative: the bar then begins below the lower of score and threshold.
  const low = Math.min(0, Score, Threshold) * 1.1;
  const high = Math.max(Score, Threshold, low + 1e-9) + 0.25 * (Math.max(Score, Threshold) - low);
  const place = (value) => `${(100 * (value - low)) / (high - low)}%`;
  $("gauge").querySelector(".fill").style.width = place(Score);
  $("gauge").querySelector(".limit").style.left = place(Threshold);
  const relation = Score > Threshold ? "above" : "not above";
  $("gauge").setAttribute("aria-label", `Score ${number(Score)} is ${relation} the threshold ${number(Threshold)}`);
  const words = $("score");
  const what = Timeline ? `Median of ${Timeline.Scores.filter((one) => one !== null).length} windows ` : "Score ";
  words.replaceChildren(what, element("strong", "", number(Score)), `, ${relation} the threshold`);
  $("threshold").textContent = `Threshold ${number(Threshold)}`;
}

function showProbabilities(details, anomaly) {
  const { Probabilities, Labels, FaultDistance } = details;
  const likeliest = Probabilities.indexOf(Math.max(...Probabilities));
  const unknown = likeliest === 0 || FaultDistance > 1;
  // The detector decides. The likeliest fault is highlighted only if the detector found an anomaly and it is a known one. Without a diagnosis the
  // probabilities are the fractions of normal recordings that score higher and lower; they are no verdict, and none is highlighted.
  const [title, labels, most] = ofClasses()
    ? ["Probability of each class", Labels, likeliest]
    : ofEvents()
    ? ["Highest score of a window", ["No event", "Event"], Number(anomaly)]
    : Labels
      ? [anomaly ? (unknown ? "Most similar classes (unknown fault)" : "Diagnosis") : "Most similar faults (no alarm)", Labels, anomaly && !unknown ? likeliest : -1]
      : ["Fraction of normal recordings", ["with a higher score", "with a lower score"], -1];
  $("probabilities-title").textContent = title;
  const rows = Probabilities.map((share, index) => {
    const row = element("div", index === most ? "likeliest" : "");
    const track = element("dd", "track");
    track.setAttribute("aria-hidden", "true");
    const bar = element("i");
    bar.style.width = `${100 * share}%`;
    track.append(bar);
    row.append(element("dt", "", labels[index]), track, element("dd", "share", percent(share)));
    return row;
  });
  $("probabilities").replaceChildren(...rows);
  $("probabilities").className = `bars ${anomaly ? "anomaly" : "normal"}`;
}

function showTimeline({ Timeline, Threshold }) {
  $("timeline-part").hidden = !Timeline;
  if (!Timeline) return;
  const { Window, Starts, Scores, Anomalous, Stretches, Refused } = Timeline;
  const seconds = Starts[Starts.length - 1] + Window;
  const judged = Scores.filter((score) => score !== null);
  const low = Math.min(0, Threshold, ...judged) * 1.1;
  const high = Math.max(Threshold, ...judged, low + 1e-9);
  const height = (score) => `${(92 * (score - low)) / (high - low)}%`; // above the highest bar lie the stretches
  const across = (tag, from, to, className) => {
    const made = element(tag, className);
    made.style.left = `${(100 * from) / seconds}%`;
    made.style.width = `${(100 * (to - from)) / seconds}%`;
    return made;
  };
  const bars = Starts.map((start, index) => {
    const score = Scores[index];
    const bar = across("i", start, Math.min(start + Window, Starts[index + 1] ?? seconds), score === null ? "none" : score > Threshold ? "anomaly" : "");
    if (score !== null) bar.style.height = height(score);
    return bar;
  });
  const limit = element("s");
  $("timeline-limit").textContent = number(Number(Threshold.toPrecision(2)));
  $("timeline-limit").style.bottom = limit.style.bottom = height(Threshold);
  const cursor = element("b");
  cursor.hidden = true;
  $("windows").replaceChildren(...bars, ...Stretches.map(({ Start, End }) => across("u", Start, End)), limit, cursor);
  const refused = Refused.length ? `, ${Refused.length} cannot be judged (${[...new Set(Refused.map(({ Reason }) => Reason.replaceAll("_", " ")))].join(", ")})` : "";
  const words = `${Anomalous} of ${judged.length} windows of ${Number(Window.toFixed(1))} s are anomalous${refused}. The recording is anomalous if more than half are. The line is the threshold.`;
  $("timeline-words").textContent = words;
  $("windows").setAttribute("aria-label", `Score of every window. ${words}`);
  marks("timeline-axis", seconds);
  $("stretches").replaceChildren(...Stretches.map(({ Start, End }) => {
    const button = element("button", "", `Play ${minutes(Start)} to ${minutes(End)}`);
    button.type = "button";
    button.addEventListener("click", () => play(Start));
    return button;
  }));
}

function play(seconds) {
  $("player").currentTime = seconds;
  $("player").play().catch(() => {}); // browsers may forbid sound
}

function showEvents(events) {
  $("events-part").hidden = !events?.length;
  const items = (events || []).slice(0, 200).map(({ start, end, score, label }) => {
    const named = label === allLabels ? "" : `${label}, `; // of several classes
    const item = element("li", "", `${named}${start.toFixed(2)} – ${end.toFixed(2)} s`);
    item.title = `score ${number(score)}`;
    return item;
  });
  $("events").replaceChildren(...items);
}

// ---- picture ----

const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
// Loudness is black to blue-grey; what made the score is painted over it, rust to pale yellow.
const LOUDNESS = ramp([[12, 15, 17], [38, 49, 58], [92, 108, 120], [190, 202, 210]]);
const DEVIATION = ramp([[120, 40, 12], [208, 84, 24], [255, 138, 42], [255, 224, 138]]);

function ramp(stops) {
  return Array.from({ length: 256 }, (_, value) => {
    const place = (value / 255) * (stops.length - 1);
    const index = Math.min(Math.floor(place), stops.length - 2);
    return stops[index].map((from, channel) => from + (stops[index + 1][channel] - from) * (place - index));
  });
}

function showPicture(entry) {
  const picture = entry.answer.Picture;
  $("result").querySelector("figure").hidden = !picture;
  $("player").pause();
  if (!picture) return;
  if (entry.blob && $("player").dataset.of !== entry.name + entry.at.getTime()) {
    URL.revokeObjectURL($("player").src);
    $("player").src = URL.createObjectURL(entry.blob);
    $("player").dataset.of = entry.name + entry.at.getTime();
  }
  $("cursor").hidden = true;
  paint(entry);
  axes(picture);
}

function paint(entry) {
  const { Picture, Details } = entry.answer;
  const { Columns, Bands } = Picture;
  const loud = bytes(Picture.Spectrogram);
  const deviation = bytes(Picture.Deviation);
  const context = $("picture").getContext("2d");
  $("picture").width = Columns;
  $("picture").height = Bands;
  const image = context.createImageData(Columns, Bands);
  for (let band = 0; band < Bands; band++) {
    for (let column = 0; column < Columns; column++) {
      const from = band * Columns + column;
      const to = 4 * ((Bands - 1 - band) * Columns + column);
      const heat = $("heat").checked ? deviation[from] : 0; // 0 everywhere in a recording that is not anomalous
      const cover = ofEvents() ? 0.3 * (heat / 255) : Math.min(1, heat / 140); // the spectrogram of an event stays visible
      for (let channel = 0; channel < 3; channel++) {
        image.data[to + channel] = LOUDNESS[loud[from]][channel] * (1 - cover) + DEVIATION[heat][channel] * cover;
      }
      image.data[to + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  if (decider !== "detector") {
    $("picture").setAttribute("aria-label", `Spectrogram of ${Picture.Seconds.toFixed(1)} seconds with ${Details.Message}.`);
    $("picture-title").textContent = "Spectrogram";
    return;
  }
  const made = deviation.some(Boolean) ? `What made the score${Details.Timeline ? "s" : ""}: strongest ${spot(deviation, Picture)}` : "Spectrogram; nothing exceeds the threshold";
  $("picture").setAttribute("aria-label", `Spectrogram of ${Picture.Seconds.toFixed(1)} seconds. ${made}.`);
  $("picture-title").textContent = made;
  const parts = Object.entries(Picture.Parts || {}).sort(([, one], [, other]) => other - one);
  $("parts").textContent = parts.length > 1 ? `Contributions to the score by view: ${parts.map(([name, value]) => `${name} ${value.toFixed(2).replace("-", "−")}`).join(", ")}` : "";
}

function spot(deviation, { Columns, Bands, Seconds, Frequencies }) {
  // The largest mean in a coarse grid, so that no single value decides.
  const rows = Math.min(16, Bands), columns = Math.min(20, Columns);
  const sums = new Float64Array(rows * columns), counts = new Float64Array(rows * columns);
  deviation.forEach((value, index) => {
    const row = Math.floor((Math.floor(index / Columns) * rows) / Bands);
    const cell = row * columns + Math.floor(((index % Columns) * columns) / Columns);
    sums[cell] += value;
    counts[cell] += 1;
  });
  let best = 0;
  sums.forEach((sum, cell) => { if (sum / counts[cell] > sums[best] / counts[best]) best = cell; });
  const band = Math.floor(((Math.floor(best / columns) + 0.5) * Bands) / rows);
  const time = (((best % columns) + 0.5) / columns) * Seconds;
  return `near ${hertz(Frequencies[band])}, ${Seconds > LONG ? minutes(time) : `${time.toFixed(1)} s`}`;
}

const hertz = (value) => (value >= 1000 ? `${Number((value / 1000).toPrecision(2))} kHz` : `${Math.round(value)} Hz`);

function axes({ Seconds, Frequencies, Bands }) {
  const ticks = [100, 250, 500, 1000, 2000, 4000, 8000, 16000].filter((hz) => hz > Frequencies[0] && hz < Frequencies[Bands - 1] * 0.99);
  const places = ticks.map((hz) => [hz, Frequencies.findIndex((centre) => centre >= hz) / Bands]);
  const spread = places.filter(([, share], index) => index === 0 || share - places[index - 1][1] > 0.07);
  $("y-axis").replaceChildren(...spread.map(([hz, share]) => tick(hertz(hz), "bottom", share)));
  marks("x-axis", Seconds);
}

function tick(text, side, share) {
  const made = element("span", "", text);
  made.style[side] = `${100 * share}%`;
  return made;
}

const LONG = 90; // seconds: longer times are shown in minutes
const minutes = (seconds) => `${Math.floor(Math.round(seconds) / 60)}:${String(Math.round(seconds) % 60).padStart(2, "0")}`;

function marks(id, seconds) {
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120].find((one) => seconds / one <= 7) || 300;
  const times = Array.from({ length: Math.floor((0.96 * seconds) / step) + 1 }, (_, i) => i * step);
  $(id).replaceChildren(...times.map((s) => tick(seconds > LONG ? minutes(s) : `${Number(s.toFixed(1))} s`, "left", s / seconds)));
}

// ---- history ----

function showHistory() {
  $("history-part").hidden = !history.length;
  $("history").replaceChildren(...history.map((entry) => {
    const button = element("button", kind(entry));
    button.type = "button";
    const details = entry.answer?.Details;
    const text = entry.error || (ofClasses() ? percent(Math.max(...details.Probabilities)) : `score ${number(details.Score)}, threshold ${number(details.Threshold)}`);
    button.append(
      element("span", "pip"), element("span", "name", entry.name),
      element("strong", "", entry.error ? "No verdict" : details.Message), element("small", "", `${clock(entry.at)} · ${text}`),
    );
    button.disabled = Boolean(entry.error);
    button.addEventListener("click", () => {
      show(entry);
      $("result").focus({ preventScroll: true });
      $("result").scrollIntoView({ block: "start", behavior: "smooth" });
    });
    const item = element("li");
    item.append(button);
    return item;
  }));
}

// ---- recording ----

let recorder = null;

async function toggleRecording() {
  if (recorder) return recorder.stop();
  if (!navigator.mediaDevices) return showStatus("Browsers allow recording only over https or on localhost.", true);
  try {
    // These filters are made for speech and would remove the sound of the machine.
    const wanted = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
    record(await navigator.mediaDevices.getUserMedia({ audio: wanted }));
  } catch (error) {
    showStatus(error.name === "NotAllowedError" ? "The browser does not allow the microphone; allow it in the address bar." : "No microphone was found.", true);
  }
  return undefined;
}

function record(stream) {
  const media = new MediaRecorder(stream);
  const parts = [];
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const began = performance.now();
  const watch = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-4);
    $("level").firstElementChild.style.transform = `scaleX(${Math.max(0, 1 + Math.log10(peak) / 3)})`;
    const seconds = (performance.now() - began) / 1000;
    $("record-label").textContent = `Stop, ${seconds.toFixed(0)} s`;
    if (seconds > MAX_RECORDING) recorder?.stop();
  }, 100);
  media.ondataavailable = (event) => parts.push(event.data);
  media.onstop = async () => {
    clearInterval(watch);
    stream.getTracks().forEach((track) => track.stop());
    recorder = null;
    $("record").classList.remove("recording");
    $("record-label").textContent = "Record";
    $("level").hidden = true;
    try {
      // Browsers record in compressed formats, which the service does not read.
      const decoded = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
      await judgeAll([new File([wav(decoded)], `recording ${clock(new Date()).replaceAll(":", ".")}.wav`, { type: "audio/wav" })]);
    } catch {
      showStatus("Nothing was recorded. Record again.", true);
      busy(false);
    } finally {
      context.close();
    }
  };
  recorder = media;
  media.start();
  $("record").classList.add("recording");
  $("level").hidden = false;
  showStatus("Recording. Hold the microphone still.");
}

function wav(sound) {
  const samples = sound.getChannelData(0);
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (offset, value) => [...value].forEach((char, index) => view.setUint8(offset + index, char.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sound.sampleRate, true);
  view.setUint32(28, 2 * sound.sampleRate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, index) => view.setInt16(44 + 2 * index, Math.round(32767 * Math.max(-1, Math.min(1, value))), true));
  return view.buffer;
}

// ---- events of the page ----

$("choose").addEventListener("click", () => $("files").click());
$("files").addEventListener("change", async () => {
  await judgeAll([...$("files").files]);
  $("files").value = "";
});
$("record").addEventListener("click", toggleRecording);
$("heat").addEventListener("change", () => shown && paint(shown));
for (const type of ["dragenter", "dragover"]) {
  addEventListener(type, (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
}
for (const type of ["dragleave", "drop"]) {
  addEventListener(type, (event) => {
    event.preventDefault();
    if (type === "drop" || !event.relatedTarget) $("drop").classList.remove("over");
    if (type === "drop") judgeAll([...event.dataTransfer.files]);
  });
}
$("player").addEventListener("timeupdate", () => {
  for (const cursor of document.querySelectorAll("#cursor, #windows b")) {
    cursor.hidden = false;
    cursor.style.left = `${(100 * $("player").currentTime) / ($("player").duration || 1)}%`;
  }
});
for (const id of ["canvas", "windows"]) {
  $(id).addEventListener("click", (event) => {
    const box = $(id).getBoundingClientRect();
    $("player").currentTime = ((event.clientX - box.left) / box.width) * ($("player").duration || 0);
  });
}

async function introduce() {
  const { models: [name] } = await request("v2");
  const { parameters } = await request(`v2/models/${encodeURIComponent(name)}`);
  $("model").textContent = `Model ${name}, ${parameters.sample_rate / 1000} kHz`;
  $("least").textContent = `${Number(parameters.min_seconds.toFixed(2))} s`;
  $("machines").replaceChildren(...parameters.machines.map((machine) => new Option(machine)));
  decider = parameters.decider;
  allLabels = parameters.labels.join(", ");
  if (decider === "detector") return;
  $("machine-row").hidden = !parameters.machines.length;
  $("purpose").textContent = `${ofEvents() ? "Finds events" : "Names the class of a sound"}: ${allLabels}`;
  $("scale").hidden = true;
  $("heat").closest("label").hidden = ofClasses();
  $("heat-label").textContent = "Show events";
}

$("key-row").addEventListener("submit", (event) => {
  event.preventDefault();
  introduce().then(() => showStatus("The key is accepted.")).catch((error) => showStatus(error.message, true));
});
introduce().catch((error) => showStatus(error.message, true));
