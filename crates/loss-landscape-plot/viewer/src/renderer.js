// The renderer: surfaces and thick lines by WebGL 2, on one hidden canvas for all landscapes.

const MOST_LEVELS = 24;
/** A picture of all landscapes that takes longer, in milliseconds, is simplified while it moves. */
const SLOW = 25;

const SURFACE_VERTEX = `#version 300 es
in vec2 place;
in vec3 shape;
uniform mat4 view;
uniform float lift, floored;
out float fraction;
out vec3 normal, point;
void main() {
  fraction = shape.x;
  normal = vec3(-lift * shape.yz, 1.0);
  point = vec3(place, floored > 0.5 ? 0.0 : lift * clamp(shape.x, 0.0, 1.0));
  gl_Position = view * vec4(point, 1.0);
}`;

const SURFACE_FRAGMENT = `#version 300 es
precision highp float;
in float fraction;
in vec3 normal, point;
uniform sampler2D colors;
uniform float levels[${MOST_LEVELS}], floored, ratio;
uniform int count;
uniform vec3 eye, sun;
out vec4 color;
void main() {
  bool striped = mod(gl_FragCoord.x + gl_FragCoord.y, 7.0 * ratio) < 2.0 * ratio;
  if (floored > 0.5) {
    color = vec4(vec3(striped ? 0.55 : 0.86), 1.0);
    return;
  }
  float level = clamp(fraction, 0.0, 1.0);
  vec3 base = texture(colors, vec2((level * 255.0 + 0.5) / 256.0, 0.5)).rgb;
  // Contours, a pixel wide; they fade where they would cover the colours.
  float width = max(fwidth(fraction), 1e-7);
  float away = 1e9;
  for (int k = 0; k < count; k++) away = min(away, abs(fraction - levels[k]) / width);
  float line = (1.0 - smoothstep(0.2 * ratio, 0.2 * ratio + 0.9, away)) * clamp(0.05 / width - 0.3, 0.0, 1.0);
  float bright = dot(base, vec3(0.3, 0.6, 0.1));
  base = mix(base, bright > 0.45 ? vec3(0.0) : vec3(1.0), 0.55 * line);
  if (striped && (fraction > 1.0 || fraction < 0.0)) base = mix(base, vec3(1.0), 0.6);
  vec3 up = normalize(normal), outward = normalize(eye - point);
  bool below = dot(up, outward) < 0.0;
  if (below) up = -up;
  float light = 0.62 + 0.42 * max(dot(up, sun), 0.0);
  float shine = 0.1 * pow(max(dot(up, normalize(sun + outward)), 0.0), 24.0);
  color = vec4(base * light * (below ? 0.8 : 1.0) + shine, 1.0);
}`;

const LINE_VERTEX = `#version 300 es
in vec3 start, end;
in vec2 corner;
uniform mat4 view;
uniform float lift, width, nearer;
uniform vec2 size;
void main() {
  vec4 a = view * vec4(start.xy, lift * start.z, 1.0), b = view * vec4(end.xy, lift * end.z, 1.0);
  vec2 along = (b.xy / b.w - a.xy / a.w) * size;
  along = length(along) > 0.0 ? normalize(along) : vec2(1.0, 0.0);
  vec4 tip = corner.x > 0.0 ? b : a;
  vec2 offset = width * (corner.y * vec2(-along.y, along.x) + corner.x * along);
  // Towards the eye, so that lines on a surface are not half inside it.
  gl_Position = vec4(tip.xy + offset / size * tip.w, tip.z - nearer * tip.w, tip.w);
}`;

const LINE_FRAGMENT = `#version 300 es
precision highp float;
uniform vec4 ink;
out vec4 color;
void main() {
  color = vec4(ink.rgb * ink.a, ink.a);
}`;

/**
 * Pictures are drawn one after the other on the one canvas and copied from there: `begin`, the drawing, `finish`. They
 * are antialiased in a buffer of their own, which a simplified picture does without.
 */
export class Renderer {
  /** A renderer, or null where there is no WebGL 2. `restored` is called when lost contents must be uploaded anew. */
  static create(restored) {
    const canvas = document.createElement("canvas");
    const gl = canvas.getContext("webgl2", { antialias: false });
    try {
      return gl ? new Renderer(canvas, gl, restored) : null;
    } catch (error) {
      // Contours are better than nothing.
      console.error(error);
      return null;
    }
  }

  constructor(canvas, gl, restored) {
    this.canvas = canvas;
    this.gl = gl;
    this.cost = 0;
    this.prepare();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.prepare();
      restored();
    });
  }

  prepare() {
    const { gl } = this;
    this.surface = program(gl, SURFACE_VERTEX, SURFACE_FRAGMENT, ["place", "shape"]);
    this.line = program(gl, LINE_VERTEX, LINE_FRAGMENT, ["start", "end", "corner"]);
    this.corners = buffer(gl, gl.ARRAY_BUFFER, Float32Array.of(-1, -1, -1, 1, 1, -1, 1, 1));
    this.colors = gl.createTexture();
    this.smooth = { frame: gl.createFramebuffer(), width: 0, height: 0, buffers: [] };
  }

  /** Whether motion needs simpler pictures: without a graphics processor, as a rule. */
  get isSlow() {
    return this.cost > SLOW;
  }

  /** Sets the colour table: 256 times red, green, blue, alpha. */
  setColors(table) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.colors);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, table);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  }

  /** Uploads a mesh; what it returns is drawn, and given back to `release`. */
  upload(mesh) {
    const { gl } = this;
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    const places = attribute(gl, 0, 2, mesh.places);
    const shapes = attribute(gl, 1, 3, mesh.shapes);
    gl.bindVertexArray(null);
    const triangles = (indices) => ({ buffer: buffer(gl, gl.ELEMENT_ARRAY_BUFFER, indices), count: indices.length });
    const cells = triangles(mesh.cells);
    const coarse = mesh.coarse === mesh.cells ? cells : triangles(mesh.coarse);
    const rims = this.uploadLine(mesh.rims);
    return { array, cells, coarse, holes: triangles(mesh.holes), rims, buffers: [places, shapes] };
  }

  /** Uploads segments: x, y in [−1, 1] and a fraction of the height, for both ends of each. */
  uploadLine(segments) {
    const { gl } = this;
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    const ends = buffer(gl, gl.ARRAY_BUFFER, segments);
    for (const k of [0, 1]) {
      gl.enableVertexAttribArray(k);
      gl.vertexAttribPointer(k, 3, gl.FLOAT, false, 24, 12 * k);
      gl.vertexAttribDivisor(k, 1);
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, this.corners);
    gl.enableVertexAttribArray(2);
    gl.vertexAttribPointer(2, 2, gl.FLOAT, false, 0, 0);
    gl.bindVertexArray(null);
    return { array, count: segments.length / 6, buffers: [ends] };
  }

  release(drawn) {
    const { gl } = this;
    gl.deleteVertexArray(drawn.array);
    const indices = [drawn.cells, drawn.coarse, drawn.holes].filter(Boolean).map((triangles) => triangles.buffer);
    for (const used of [...drawn.buffers, ...indices]) gl.deleteBuffer(used);
    if (drawn.rims) this.release(drawn.rims);
  }

  /** Begins a picture of this size in device pixels, `ratio` of them in a CSS pixel. */
  begin(view, lift, width, height, ratio, simple) {
    const { gl, canvas } = this;
    // It only grows: landscapes of different sizes share it.
    if (canvas.width < width) canvas.width = width;
    if (canvas.height < height) canvas.height = height;
    this.shot = { matrix: view.matrix(), eye: view.eye, lift, width, height, ratio, simple };
    gl.bindFramebuffer(gl.FRAMEBUFFER, simple ? null : this.smoothFrame());
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** A framebuffer with four samples a pixel, as large as the canvas. */
  smoothFrame() {
    const { gl, smooth, canvas } = this;
    if (smooth.width !== canvas.width || smooth.height !== canvas.height) {
      for (const old of smooth.buffers) gl.deleteRenderbuffer(old);
      gl.bindFramebuffer(gl.FRAMEBUFFER, smooth.frame);
      const samples = Math.min(4, gl.getParameter(gl.MAX_SAMPLES));
      const parts = [[gl.COLOR_ATTACHMENT0, gl.RGBA8], [gl.DEPTH_ATTACHMENT, gl.DEPTH_COMPONENT24]];
      smooth.buffers = parts.map(([attachment, format]) => {
        const made = gl.createRenderbuffer();
        gl.bindRenderbuffer(gl.RENDERBUFFER, made);
        gl.renderbufferStorageMultisample(gl.RENDERBUFFER, samples, format, canvas.width, canvas.height);
        gl.framebufferRenderbuffer(gl.FRAMEBUFFER, attachment, gl.RENDERBUFFER, made);
        return made;
      });
      Object.assign(smooth, { width: canvas.width, height: canvas.height });
    }
    return smooth.frame;
  }

  /** Draws a surface with contours at these fractions. */
  drawSurface(drawn, levels) {
    const { gl, shot } = this;
    const { set } = this.use(this.surface);
    set("eye", shot.eye);
    set("sun", [-0.36, -0.48, 0.8]);
    set("ratio", shot.ratio);
    const shown = levels.slice(0, MOST_LEVELS);
    gl.uniform1i(this.surface.place("count"), shown.length);
    if (shown.length) gl.uniform1fv(this.surface.place("levels"), shown);
    gl.bindTexture(gl.TEXTURE_2D, this.colors);
    gl.bindVertexArray(drawn.array);
    for (const [triangles, floored] of [[drawn.holes, 1], [shot.simple ? drawn.coarse : drawn.cells, 0]]) {
      set("floored", floored);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, triangles.buffer);
      gl.drawElements(gl.TRIANGLES, triangles.count, gl.UNSIGNED_INT, 0);
    }
    gl.bindVertexArray(null);
    this.drawLine(drawn.rims, [0.1, 0.1, 0.1, 1], 1.8);
  }

  /** Draws segments this many CSS pixels wide; `hidden` draws what a surface covers instead of what it does not. */
  drawLine(line, ink, width, hidden = false) {
    const { gl, shot } = this;
    if (line.count === 0) return;
    const { set } = this.use(this.line);
    set("size", [shot.width / 2, shot.height / 2]);
    set("width", (width * shot.ratio) / 2);
    set("nearer", 2e-3);
    set("ink", ink);
    gl.depthFunc(hidden ? gl.GREATER : gl.LEQUAL);
    gl.depthMask(false);
    gl.bindVertexArray(line.array);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, line.count);
    gl.bindVertexArray(null);
    gl.depthMask(true);
    gl.depthFunc(gl.LEQUAL);
  }

  /** Copies the picture to the same rectangle of another canvas. */
  finish(context) {
    const { gl } = this;
    const { width, height, simple } = this.shot;
    if (!simple) {
      gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.smooth.frame);
      gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null);
      gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.COLOR_BUFFER_BIT, gl.NEAREST);
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    }
    context.drawImage(this.canvas, 0, this.canvas.height - height, width, height, 0, 0, width, height);
  }

  /** Milliseconds that a task of the graphics processor takes. */
  time(task) {
    const { gl } = this;
    const wait = () => {
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    };
    wait();
    const started = performance.now();
    task();
    wait();
    return performance.now() - started;
  }

  /** Switches to a program and sets what all programs share. */
  use(used) {
    const { gl, shot } = this;
    gl.useProgram(used.program);
    gl.uniformMatrix4fv(used.place("view"), false, shot.matrix);
    const set = (name, value) => {
      const values = [value].flat();
      gl[`uniform${values.length}fv`](used.place(name), values);
    };
    set("lift", shot.lift);
    return { set };
  }
}

function program(gl, vertex, fragment, attributes) {
  const made = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  attributes.forEach((name, k) => gl.bindAttribLocation(made, k, name));
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`the shaders do not link: ${gl.getProgramInfoLog(made)}`);
  }
  const places = new Map();
  const place = (name) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(made, name));
    return places.get(name);
  };
  return { program: made, place };
}

function buffer(gl, target, values) {
  const made = gl.createBuffer();
  gl.bindBuffer(target, made);
  gl.bufferData(target, values, gl.STATIC_DRAW);
  return made;
}

function attribute(gl, index, size, values) {
  const made = buffer(gl, gl.ARRAY_BUFFER, values);
  gl.enableVertexAttribArray(index);
  gl.vertexAttribPointer(index, size, gl.FLOAT, false, 0, 0);
  return made;
}
