import assert from "node:assert/strict";
import { test } from "node:test";

import { Field } from "../src/field.js";
import { notesOf } from "../src/notes.js";
import { Scale } from "../src/scale.js";
import { even, fieldOf } from "./fields.js";

test("nothing is told where all is shown", () => {
  const paths = [{ name: "SGD", outside: 0, x: [0, 1] }];
  assert.equal(
    notesOf(
      fieldOf(even(2), even(2), () => 0.5),
      paths,
      false,
    ),
    "",
  );
});

test("all that is not shown as it is, is told with its number", () => {
  const values = Float64Array.of(NaN, NaN, -1, 1, 2, 3, 4, 5);
  const landscape = { x: [0, 1], y: [0, 1, 2, 3] };
  const paths = [{ name: "SGD", outside: 1, x: [0, 1, 7] }];
  assert.equal(
    notesOf(new Field(landscape, values, new Scale(true, 1.5, 2.5)), paths, true),
    "2 of 8 points not finite (grey stripes); " +
      "1 of 8 points not positive, which a logarithmic scale cannot show (grey stripes); " +
      "3 of 8 points above 2.5 clipped (white stripes); 1 of 8 points below 1.5 clipped (white stripes); " +
      "1 of 3 points of SGD outside the axes; contour lines left out: there would be nothing but lines",
  );
});
