// A link to the heading of a folded section unfolds it.
const unfold = (hash) => {
  const heading = hash && document.getElementById(decodeURIComponent(hash.slice(1)));
  const folding = heading && heading.closest("details");
  if (folding) folding.open = true;
};
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link) unfold(link.getAttribute("href"));
});
if (location.protocol !== "about:") unfold(location.hash);
addEventListener("beforeprint", () => {
  for (const folding of document.querySelectorAll(".folded > details")) folding.open = true;
});
// A table or a row of cards that is wider than its box says so, until its end is in view.
for (const box of document.querySelectorAll(".scroll, .strip")) {
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = "more to the right →";
  hint.hidden = true;
  box.after(hint);
  const update = () => {
    const more = box.scrollWidth - box.clientWidth - box.scrollLeft > 4;
    box.classList.toggle("more", more);
    hint.hidden = !more;
  };
  box.addEventListener("scroll", update, { passive: true });
  new ResizeObserver(update).observe(box);
}
// Kubeflow shows a report in a frame that is made of text (about:srcdoc). There a link to a heading
// would load the address of the surrounding page into the frame, so a script scrolls instead.
if (location.protocol === "about:") {
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    const heading = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!heading) return;
    event.preventDefault();
    heading.scrollIntoView();
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  });
}
// A cursor runs over the pictures of a clip while it plays; a click on a picture plays from there.
for (const card of document.querySelectorAll(".clip")) {
  const audio = card.querySelector("audio");
  if (!audio) continue;
  const canvases = card.querySelectorAll(".canvas");
  const cursors = [...canvases].map((canvas) => {
    const cursor = canvas.appendChild(document.createElement("b"));
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      audio.currentTime = ((event.clientX - box.left) / box.width) * audio.duration;
      audio.play();
    });
    canvas.classList.add("seek");
    return cursor;
  });
  const follow = () => {
    for (const cursor of cursors) cursor.style.left = `${(100 * audio.currentTime) / audio.duration}%`;
    if (!audio.paused) requestAnimationFrame(follow);
  };
  for (const event of ["play", "seeked", "pause"]) audio.addEventListener(event, follow);
}
// Points in space turn under the pointer or the arrow keys.
for (const cloud of document.querySelectorAll(".cloud")) {
  const numbers = (text) => text.split(" ").map(Number);
  const dots = [...cloud.querySelectorAll("[data-at]")].map((dot) => [dot, numbers(dot.dataset.at)]);
  const ends = [...cloud.querySelectorAll("[data-to]")].map((end) => [end, numbers(end.dataset.to)]);
  const start = [-0.6, 0.4];
  let [yaw, pitch] = start;
  const project = ([x, y, z]) => {
    const across = x * Math.cos(yaw) + z * Math.sin(yaw);
    const depth = z * Math.cos(yaw) - x * Math.sin(yaw);
    return [across, -(y * Math.cos(pitch) - depth * Math.sin(pitch)), depth * Math.cos(pitch) + y * Math.sin(pitch)];
  };
  const draw = () => {
    for (const [dot, place] of dots) {
      const [x, y, depth] = project(place);
      dot.setAttribute("d", `M${x.toFixed(3)} ${y.toFixed(3)}h0`);
      dot.style.opacity = (0.75 + 0.35 * depth).toFixed(2);
    }
    for (const [end, place] of ends) {
      const [x, y] = project(place);
      if (end.tagName === "text") {
        end.setAttribute("x", x);
        end.setAttribute("y", y);
      } else {
        end.setAttribute("d", `M0 0L${x.toFixed(3)} ${y.toFixed(3)}`);
      }
    }
  };
  const turn = (dYaw, dPitch) => {
    yaw += dYaw;
    pitch = Math.max(-1.57, Math.min(1.57, pitch + dPitch));
    draw();
  };
  cloud.addEventListener("pointerdown", (event) => cloud.setPointerCapture(event.pointerId));
  cloud.addEventListener("pointermove", (event) => {
    if (cloud.hasPointerCapture(event.pointerId)) turn(event.movementX / 120, event.movementY / 120);
  });
  cloud.addEventListener("dblclick", () => {
    [yaw, pitch] = start;
    draw();
  });
  cloud.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
    if (!step) return;
    event.preventDefault();
    turn(...step);
  });
  draw();
}
