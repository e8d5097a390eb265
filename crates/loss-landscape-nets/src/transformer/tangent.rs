//! The R-operator through a transformer: R of all values forward, and of all derivatives back.

use loss_landscape::curvature::HessianPart;
use loss_landscape_kernels::{Epilogue, Matrix, SmoothCurvature, Store, TimesSmoothSlope, product};

use super::{
    attention::{self, AttentionTangents, HeadScratch},
    gpt::{ACTIVATION, BlockPlaces},
    layer_norm::NormTangents,
    network::Transformer,
    pass::{BlockState, Dims, PassState, Scratch, add, add_embedding_gradient, embed},
};
use crate::{
    criterion::{self, Criterion},
    real::Real,
};

/// R of all values along v.
pub(super) fn forward<S: Real>(
    net: &Transformer<S>,
    dims: Dims,
    both @ [theta, v]: [&[S]; 2],
    tokens: &[u32],
    values: &PassState<S>,
    tangents: &mut PassState<S>,
    scratch: &mut Scratch<S>,
) {
    let places = &net.places;
    embed(dims, places, v, tokens, &mut tangents.between[0]);
    for (index, block) in places.blocks.iter().enumerate() {
        let (below, above) = tangents.between.split_at_mut(index + 1);
        forward_block(
            dims,
            block,
            both,
            [&values.between[index], &below[index]],
            &values.blocks[index],
            &mut tangents.blocks[index],
            &mut above[0],
            &mut scratch.head,
        );
    }
    let layers = places.blocks.len();
    let ends = [&values.between[layers][..], &tangents.between[layers]];
    places.norm.tangent(both, ends, &mut tangents.last);
    let [head, head_r] =
        [theta, v].map(|of| Matrix::new(&of[places.head.clone()], dims.vocabulary, dims.width));
    let [last, last_r] = [&values.last, &tangents.last].map(|of| Matrix::new(of, dims.width, dims.columns));
    product(Store::Replace, head_r, last, &mut tangents.outputs);
    product(Store::Add, head, last_r, &mut tangents.outputs);
}

#[allow(clippy::too_many_arguments, reason = "a pass reads many tensors, which no one type owns")]
fn forward_block<S: Real>(
    dims: Dims,
    places: &BlockPlaces,
    both: [&[S]; 2],
    [x, x_r]: [&[S]; 2],
    values: &BlockState<S>,
    tangents: &mut BlockState<S>,
    next: &mut [S],
    scratch: &mut HeadScratch<S>,
) {
    let (a, t) = (values, tangents);
    places.norm1.tangent(both, [x, x_r], &mut t.normal1);
    places.attention.tangent(both, [&a.normal1, &t.normal1], &mut t.qkv);
    attention::tangent(dims, [&a.qkv, &a.weights], &t.qkv, &mut t.weights, &mut t.heads, scratch);
    places.projection.tangent(both, [&a.heads, &t.heads], &mut t.middle);
    add(&mut t.middle, x_r);
    places.norm2.tangent(both, [&a.middle, &t.middle], &mut t.normal2);
    places.hidden.tangent(both, [&a.normal2, &t.normal2], &mut t.z);
    let epilogue = Epilogue::default();
    TimesSmoothSlope { out: &mut t.active, x: &t.z, z: &a.z, function: ACTIVATION, epilogue }.run();
    places.output.tangent(both, [&a.active, &t.active], next);
    add(next, &t.middle);
}

/// R of δ of the outputs of `scale`·loss, from the softmax and R of the outputs.
pub(super) fn start<S: Real>(
    dims: Dims,
    part: HessianPart,
    [values, tangents]: [&PassState<S>; 2],
    out: &mut PassState<S>,
    scratch: &mut Scratch<S>,
    scale: f64,
) {
    if part == HessianPart::Rest {
        out.outputs.fill(S::zero());
        return;
    }
    out.outputs.copy_from_slice(&tangents.outputs);
    let columns = &mut scratch.columns[..dims.columns];
    criterion::second_derivative(Criterion::CrossEntropy, &values.outputs, &mut out.outputs, columns, scale);
    scratch.clear_uncounted(dims, &mut out.outputs);
}

/// R of all derivatives, and added to `gradient` that of those by the parameters.
#[allow(clippy::too_many_arguments, reason = "a pass reads many tensors, which no one type owns")]
pub(super) fn backward<S: Real>(
    net: &Transformer<S>,
    dims: Dims,
    both @ [theta, v]: [&[S]; 2],
    tokens: &[u32],
    [values, deltas, tangents]: [&PassState<S>; 3],
    out: &mut PassState<S>,
    scratch: &mut Scratch<S>,
    gradient: &mut [S],
) {
    let places = &net.places;
    let layers = places.blocks.len();
    let [head, head_r] =
        [theta, v].map(|of| Matrix::new(&of[places.head.clone()], dims.vocabulary, dims.width));
    let mut last = std::mem::take(&mut out.last);
    let [delta, delta_r] =
        [&deltas.outputs, &out.outputs].map(|of| Matrix::new(of, dims.vocabulary, dims.columns));
    product(Store::Replace, head_r.t(), delta, &mut last);
    product(Store::Add, head.t(), delta_r, &mut last);
    let by_head = &mut gradient[places.head.clone()];
    let [value, value_r] = [&values.last, &tangents.last].map(|of| Matrix::new(of, dims.width, dims.columns));
    product(Store::Add, delta_r, value.t(), by_head);
    product(Store::Add, delta, value_r.t(), by_head);
    let x = &values.between[layers];
    let bend = Some([&tangents.between[layers][..], &deltas.last]);
    places.norm.add_gradient(x, &last, bend, gradient);
    let of = NormTangents {
        x,
        tangent: &tangents.between[layers],
        delta: &deltas.last,
        tangent_delta: &last,
        plus: None,
    };
    places.norm.tangent_back(both, &of, &mut out.between[layers]);
    out.last = last;
    for index in (0..layers).rev() {
        let (below, above) = out.between.split_at_mut(index + 1);
        let of_block = index % out.blocks.len();
        let ends = BlockEnds {
            x: &values.between[index],
            tangent: &tangents.between[index],
            delta: &deltas.between[index + 1],
            tangent_delta: &above[0],
        };
        let states = [&values.blocks[index], &deltas.blocks[index], &tangents.blocks[index]];
        let (own, below) = (&mut out.blocks[of_block], &mut below[index]);
        back_block(dims, &places.blocks[index], both, &ends, states, own, below, &mut scratch.head, gradient);
    }
    add_embedding_gradient(dims, places, tokens, &out.between[0], gradient);
}

/// The input of a block with its R, and δ of its output with its R.
struct BlockEnds<'a, S> {
    x: &'a [S],
    tangent: &'a [S],
    delta: &'a [S],
    tangent_delta: &'a [S],
}

#[allow(clippy::too_many_arguments, reason = "a pass reads many tensors, which no one type owns")]
fn back_block<S: Real>(
    dims: Dims,
    places: &BlockPlaces,
    both: [&[S]; 2],
    ends: &BlockEnds<'_, S>,
    [a, d, t]: [&BlockState<S>; 3],
    out: &mut BlockState<S>,
    below: &mut [S],
    scratch: &mut HeadScratch<S>,
    gradient: &mut [S],
) {
    let &BlockEnds { x, tangent, delta, tangent_delta } = ends;
    places.output.tangent_back(both, [delta, tangent_delta], &mut out.active);
    places.output.add_gradient(&a.active, tangent_delta, gradient);
    places.output.add_weight_gradient(&t.active, delta, gradient);
    SmoothCurvature {
        out: &mut out.z,
        tangent_delta: &out.active,
        delta: &d.active,
        z: &a.z,
        tangent: &t.z,
        function: ACTIVATION,
        epilogue: Epilogue::default(),
    }
    .run();
    places.hidden.tangent_back(both, [&d.z, &out.z], &mut out.normal2);
    places.hidden.add_gradient(&a.normal2, &out.z, gradient);
    places.hidden.add_weight_gradient(&t.normal2, &d.z, gradient);
    let bend = Some([&t.middle[..], &d.normal2]);
    places.norm2.add_gradient(&a.middle, &out.normal2, bend, gradient);
    let of = NormTangents {
        x: &a.middle,
        tangent: &t.middle,
        delta: &d.normal2,
        tangent_delta: &out.normal2,
        plus: Some(tangent_delta),
    };
    places.norm2.tangent_back(both, &of, &mut out.middle);
    places.projection.tangent_back(both, [&d.middle, &out.middle], &mut out.heads);
    places.projection.add_gradient(&a.heads, &out.middle, gradient);
    places.projection.add_weight_gradient(&t.heads, &d.middle, gradient);
    let of = AttentionTangents {
        qkv: &a.qkv,
        p: &a.weights,
        tangent_qkv: &t.qkv,
        tangent_p: &t.weights,
        delta_o: &d.heads,
        delta_p: &d.weights,
        tangent_delta_o: &out.heads,
    };
    attention::tangent_back(dims, &of, &mut out.qkv, scratch);
    places.attention.tangent_back(both, [&d.qkv, &out.qkv], &mut out.normal1);
    places.attention.add_gradient(&a.normal1, &out.qkv, gradient);
    places.attention.add_weight_gradient(&t.normal1, &d.qkv, gradient);
    places.norm1.add_gradient(x, &out.normal1, Some([tangent, &d.normal1]), gradient);
    let of =
        NormTangents { x, tangent, delta: &d.normal1, tangent_delta: &out.normal1, plus: Some(&out.middle) };
    places.norm1.tangent_back(both, &of, below);
}
