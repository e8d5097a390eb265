//! The convolution kernels against sums written down plainly, on every instruction set of this machine.

use loss_landscape_kernels::{
    ConvGeometry, ConvInput, ConvKernel, ConvPass, Epilogue, FilterBank, FilterGradients, GeneralConv,
    InstructionSet, KernelScalar, LANES, TensorShape,
};
use proptest::prelude::*;

/// Small whole numbers, so that sums are exact in any order.
fn numbers<S: KernelScalar>(len: usize, seed: usize) -> Vec<S> {
    (0..len).map(|i| S::nearest((((i + seed) * 7919) % 9) as f64 - 4.0)).collect()
}

/// [sample][channel][pixel] of a tensor.
fn at(shape: TensorShape, sample: usize, channel: usize, y: usize, x: usize) -> usize {
    (sample / LANES * shape.vectors() + channel * shape.stride() + y * shape.width + x) * LANES
        + sample % LANES
}

/// Pixels from the first tap to the last.
fn extent(geometry: ConvGeometry, axis: usize) -> usize {
    (geometry.kernel[axis] - 1) * geometry.dilation[axis] + 1
}

#[derive(Clone, Copy, Debug)]
struct Case {
    input: TensorShape,
    output: TensorShape,
    geometry: ConvGeometry,
    groups: usize,
}

impl Case {
    fn new(input: [usize; 3], outputs: usize, geometry: ConvGeometry, groups: usize) -> Self {
        let size = |axis: usize| {
            let room = input[axis + 1] + 2 * geometry.padding[axis];
            (room - extent(geometry, axis)) / geometry.stride[axis] + 1
        };
        let output = TensorShape::new([outputs, size(0), size(1)]);
        Self { input: TensorShape::new(input), output, geometry, groups }
    }

    fn filters(&self) -> FilterBank {
        FilterBank {
            outputs: self.output.channels,
            inputs: self.input.channels,
            kernel: self.geometry.kernel,
        }
    }

    /// Calls `each` with (output index, input index, filter index) of every product.
    fn products(&self, mut each: impl FnMut(usize, usize, usize)) {
        let ConvGeometry { kernel: [rows, columns], stride, padding, dilation } = self.geometry;
        for sample in 0..self.groups * LANES {
            for o in 0..self.output.channels {
                for oy in 0..self.output.height {
                    for ox in 0..self.output.width {
                        for i in 0..self.input.channels {
                            for (row, column) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
                                let y = oy * stride[0] + row * dilation[0];
                                let x = ox * stride[1] + column * dilation[1];
                                let inside = (padding[0]..padding[0] + self.input.height).contains(&y)
                                    && (padding[1]..padding[1] + self.input.width).contains(&x);
                                if inside {
                                    each(
                                        at(self.output, sample, o, oy, ox),
                                        at(self.input, sample, i, y - padding[0], x - padding[1]),
                                        ((o * self.input.channels + i) * rows + row) * columns + column,
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn check<S: KernelScalar>(&self) {
        let geometry = self.geometry;
        let filters = self.filters();
        let bank =
            numbers::<S>(filters.outputs * filters.inputs * geometry.kernel.iter().product::<usize>(), 1);
        let bias = numbers::<S>(filters.outputs, 2);
        let x = numbers::<S>(self.input.len() * self.groups, 3);
        let delta = numbers::<S>(self.output.len() * self.groups, 4);
        let mut packed = vec![S::zero(); filters.packed_len()];
        filters.pack(&bank, &mut packed);
        let mut turned = vec![S::zero(); filters.transposed().packed_len()];
        filters.pack_transposed(&bank, &mut turned);

        // The plain sums.
        let mut up = vec![S::zero(); delta.len()];
        let mut back = vec![S::zero(); x.len()];
        let mut slopes = vec![S::zero(); bank.len()];
        self.products(|o, i, f| {
            up[o] += x[i] * bank[f];
            back[i] += delta[o] * bank[f];
            slopes[f] += x[i] * delta[o];
        });

        let sources = [ConvInput { x: &x, filters: &packed }];
        let deltas = [ConvInput { x: &delta, filters: &turned }; 2];
        for path in InstructionSet::all() {
            path.force(|| {
                let mut out = vec![S::zero(); up.len()];
                let (sources, bias) = (&sources[..], Some(&bias[..]));
                let forward = GeneralConv {
                    pass: ConvPass::Forward,
                    from: self.input,
                    to: self.output,
                    geometry,
                    groups: self.groups,
                    sources,
                    bias,
                    epilogue: Epilogue { relu: true, ..Epilogue::default() },
                    out: &mut out,
                };
                forward.run();
                self.compare(self.output, &out, |at, o| (up[at] + bias.unwrap()[o]).max(S::zero()), "up");
                if geometry.is_3x3() {
                    self.check_3x3(&bank, [&x, &delta], [&up, &back], bias.unwrap());
                }
                let mut out = vec![S::one(); back.len()];
                GeneralConv {
                    pass: ConvPass::Backward,
                    from: self.output,
                    to: self.input,
                    geometry,
                    groups: self.groups,
                    sources: &deltas,
                    bias: None,
                    epilogue: Epilogue::default(),
                    out: &mut out,
                }
                .run();
                self.compare(self.input, &out, |at, _| back[at] + back[at], "back");
                let scratch_len = FilterGradients::<S>::scratch_len(self.input, self.output, geometry);
                let mut scratch = vec![S::one(); scratch_len];
                let mut gradient = vec![S::one(); bank.len()];
                FilterGradients {
                    input: self.input,
                    output: self.output,
                    geometry,
                    groups: self.groups,
                    pairs: &[(&x, &delta), (&x, &delta)],
                    scratch: &mut scratch,
                    gradient: &mut gradient,
                }
                .run();
                FilterGradients::put_in_order(filters, &mut gradient);
                for (found, &slope) in gradient.iter().zip(&slopes) {
                    assert_eq!(*found, slope + slope + S::one(), "slopes, {path:?}, {self:?}");
                }
            });
        }
    }

    /// The kernels for 3×3, with every epilogue, in both passes.
    fn check_3x3<S: KernelScalar>(
        &self,
        bank: &[S],
        [x, delta]: [&[S]; 2],
        [up, back]: [&[S]; 2],
        bias: &[S],
    ) {
        let (filters, groups, geometry) = (self.filters(), self.groups, self.geometry);
        let plus = numbers::<S>(up.len(), 5);
        let epilogue = Epilogue { add: true, plus: Some(&plus), relu: false, mask: Some(delta) };
        let expected = |at: usize, o: usize| {
            let sum = up[at] + bias[o] + S::one() + plus[at];
            if delta[at] > S::zero() { sum } else { S::zero() }
        };
        for kernel in [ConvKernel::Direct, ConvKernel::Winograd] {
            let mut packed = vec![S::nan(); kernel.packed_len(filters)];
            kernel.pack(filters, bank, &mut packed);
            let mut turned = vec![S::nan(); kernel.packed_len(filters.transposed())];
            kernel.pack_transposed(filters, bank, &mut turned);
            let mut out = vec![S::one(); up.len()];
            kernel.run(GeneralConv {
                pass: ConvPass::Forward,
                from: self.input,
                to: self.output,
                geometry,
                groups,
                sources: &[ConvInput { x, filters: &packed }],
                bias: Some(bias),
                epilogue,
                out: &mut out,
            });
            self.compare(self.output, &out, expected, "up, 3×3");
            let mut out = vec![S::one(); back.len()];
            kernel.run(GeneralConv {
                pass: ConvPass::Backward,
                from: self.output,
                to: self.input,
                geometry,
                groups,
                sources: &[ConvInput { x: delta, filters: &turned }; 2],
                bias: None,
                epilogue: Epilogue::default(),
                out: &mut out,
            });
            self.compare(self.input, &out, |at, _| back[at] + back[at], "back, 3×3");
        }
    }

    fn compare<S: KernelScalar>(
        &self,
        shape: TensorShape,
        found: &[S],
        expected: impl Fn(usize, usize) -> S,
        what: &str,
    ) {
        for sample in 0..self.groups * LANES {
            for channel in 0..shape.channels {
                for (y, x) in (0..shape.height).flat_map(|y| (0..shape.width).map(move |x| (y, x))) {
                    let at = at(shape, sample, channel, y, x);
                    assert_eq!(found[at], expected(at, channel), "{what} at {channel}, {y}, {x} of {self:?}");
                }
            }
        }
    }
}

#[test]
fn the_shapes_of_the_papers_networks() {
    for (input, outputs, geometry) in [
        ([3, 5, 32], 16, [3, 1, 1]),
        ([16, 4, 8], 16, [3, 1, 1]),
        ([16, 4, 8], 32, [3, 2, 1]),
        ([16, 4, 8], 32, [1, 2, 0]),
        ([5, 2, 2], 6, [3, 1, 1]),
        ([6, 1, 1], 10, [1, 1, 0]),
        ([6, 5, 3], 7, [1, 1, 0]),
        ([2, 1, 1], 3, [3, 1, 1]),
        ([16, 1, 70], 5, [3, 1, 1]),
        ([64, 1, 1], 6, [3, 1, 1]),
        // More channels than are transformed at once, and tiles that jut out of the image.
        ([70, 5, 3], 67, [3, 1, 1]),
        ([80, 2, 2], 17, [3, 2, 1]),
        ([150, 3, 2], 5, [1, 1, 0]),
    ] {
        let geometry = ConvGeometry::square(geometry[0], geometry[1], geometry[2]);
        for groups in [1, 3] {
            Case::new(input, outputs, geometry, groups).check::<f32>();
            Case::new(input, outputs, geometry, groups).check::<f64>();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_shape_gives_the_plain_sums(
        channels in 1..6_usize,
        outputs in 1..10_usize,
        (height, width) in (1..9_usize, 1..9_usize),
        side in 1..6_usize,
        stride in 1..4_usize,
        padding in 0..4_usize,
        groups in 1..3_usize,
    ) {
        let input = [channels, height, width];
        prop_assume!(side <= height + 2 * padding && side <= width + 2 * padding);
        Case::new(input, outputs, ConvGeometry::square(side, stride, padding), groups).check::<f64>();
        Case::new(input, outputs, ConvGeometry::square(3, 1, 1), groups).check::<f32>();
    }

    #[test]
    fn many_channels_give_the_plain_sums(
        channels in 12..50_usize,
        outputs in 4..12_usize,
        (height, width) in (1..5_usize, 1..5_usize),
        side in 1..4_usize,
        stride in 1..3_usize,
        groups in 1..3_usize,
    ) {
        let input = [channels, height, width];
        let geometry = ConvGeometry { dilation: [2, 1], ..ConvGeometry::square(side, stride, side - 1) };
        Case::new(input, outputs, geometry, groups).check::<f64>();
        Case::new(input, outputs, geometry, groups).check::<f32>();
    }

    #[test]
    fn kernels_need_not_be_square_nor_their_taps_side_by_side(
        channels in 1..4_usize,
        outputs in 1..6_usize,
        (height, width) in (1..10_usize, 1..10_usize),
        (rows, columns) in (1..5_usize, 1..5_usize),
        stride in prop::array::uniform2(1..4_usize),
        padding in prop::array::uniform2(0..4_usize),
        dilation in prop::array::uniform2(1..4_usize),
        groups in 1..3_usize,
    ) {
        let geometry = ConvGeometry { kernel: [rows, columns], stride, padding, dilation };
        let fits = |axis: usize, length: usize| extent(geometry, axis) <= length + 2 * padding[axis];
        prop_assume!(fits(0, height) && fits(1, width));
        Case::new([channels, height, width], outputs, geometry, groups).check::<f64>();
    }
}

/// Root mean squares of the errors of both kernels for 3×3, in units of the results' own, over values that a ReLU left
/// and filters of both signs. The sums to compare with are of `f64`.
fn errors<S: KernelScalar>(channels: usize, side: usize, seed: u64) -> [f64; 2] {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // As many bits as an f32 keeps, so that the values are the same for both scalars.
        f64::from((state >> 41) as u32) / f64::from(1 << 22) - 1.0
    };
    let case = Case::new([channels, side, side], channels, ConvGeometry::square(3, 1, 1), 1);
    let filters = case.filters();
    let bank: Vec<f64> = (0..9 * channels * channels).map(|_| draw()).collect();
    let x: Vec<f64> = (0..case.input.len()).map(|_| draw().max(0.0)).collect();
    let mut sums = vec![0.0; case.output.len()];
    case.products(|o, i, f| sums[o] += x[i] * bank[f]);
    let [bank, x] = [bank, x].map(|values| values.into_iter().map(S::nearest).collect::<Vec<S>>());
    [ConvKernel::Direct, ConvKernel::Winograd].map(|kernel| {
        let mut packed = vec![S::zero(); kernel.packed_len(filters)];
        kernel.pack(filters, &bank, &mut packed);
        let mut out = vec![S::zero(); sums.len()];
        kernel.run(GeneralConv {
            pass: ConvPass::Forward,
            from: case.input,
            to: case.output,
            geometry: case.geometry,
            groups: 1,
            sources: &[ConvInput { x: &x, filters: &packed }],
            bias: None,
            epilogue: Epilogue::default(),
            out: &mut out,
        });
        let square = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
        let error = square(&mut out.iter().zip(&sums).map(|(found, sum)| found.to_f64().unwrap() - sum));
        (error / square(&mut sums.iter().copied())).sqrt()
    })
}

#[test]
fn winograds_errors_are_no_larger_than_the_direct_convolutions() {
    for (channels, side) in [(12, 8), (16, 8), (48, 8), (16, 9), (64, 4), (100, 4)] {
        for seed in 0..3 {
            let [direct, winograd] = errors::<f32>(channels, side, seed);
            assert!(direct > 1e-8 && winograd < direct, "{channels}, {side}: {winograd} and {direct}");
        }
    }
}

#[test]
fn the_fastest_kernel_is_winograds_where_it_multiplies_less() {
    use ConvKernel::{Direct, General, Winograd};
    let fastest = |channels, side, outputs| {
        let input = TensorShape::new([channels, side, side]);
        ConvKernel::fastest(ConvGeometry::square(3, 1, 1), input, outputs)
    };
    let paper = [(16, 32), (32, 16), (64, 8)].map(|(channels, side)| fastest(channels, side, channels));
    assert_eq!(paper, [Winograd; 3]);
    // Few channels: transforms take longer than they save. Small and odd images: nothing is saved.
    assert_eq!([fastest(3, 32, 16), fastest(16, 32, 8), fastest(64, 2, 64), fastest(64, 5, 64)], [Direct; 4]);
    let input = TensorShape::new([16, 32, 32]);
    for geometry in
        [ConvGeometry::square(3, 2, 1), ConvGeometry::square(1, 1, 0), ConvGeometry::square(5, 1, 2)]
    {
        assert_eq!(ConvKernel::fastest(geometry, input, 16), General);
    }
}
