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
