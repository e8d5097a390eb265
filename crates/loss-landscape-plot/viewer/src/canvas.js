// Canvases: their size in pixels, and what is drawn on more than one.

export const INK = "#1a1a1a";
export const FONT = "11px system-ui, sans-serif";

/** Gives a canvas the device pixels of its place in the page; returns its size in CSS pixels. */
export function sizeCanvas(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const [columns, rows] = [Math.round(width * pixelRatio()), Math.round(height * pixelRatio())];
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  return { width, height };
}

/** Device pixels in a CSS pixel. */
export function pixelRatio() {
  return Math.min(window.devicePixelRatio || 1, 3);
}

export function drawDot(context, x, y, radius, color) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
  context.lineWidth = 1.2;
  context.strokeStyle = INK;
  context.stroke();
}
