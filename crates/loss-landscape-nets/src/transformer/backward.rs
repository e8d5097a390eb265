//! Back through a transformer: derivatives of the loss by everything, and by the parameters.

use loss_landscape_kernels::{Epilogue, Matrix, Store, TimesSmoothSlope, product};

use super::{
    attention::{self, HeadScratch},
    gpt::{ACTIVATION, BlockPlaces},
    network::Transformer,
    pass::{BlockState, Dims, PassState, Scratch, add_embedding_gradient},
};
use crate::{
    criterion::{self, TargetSlice},
    real::Real,
};

/// δ of the outputs of `scale`·loss, from the softmax.
pub(super) fn start<S: Real>(
    dims: Dims,
    values: &PassState<S>,
    deltas: &mut PassState<S>,
    scratch: &Scratch<S>,
    scale: f64,
) {
    deltas.outputs.copy_from_slice(&values.outputs);
    let wanted = TargetSlice::Labels(&scratch.labels);
    criterion::derivative(&mut deltas.outputs, wanted, dims.columns, scale);
    scratch.clear_uncounted(dims, &mut deltas.outputs);
}

/// Back through one block: from δ of its output to that of its input, and to the gradient if there is one.
#[allow(clippy::too_many_arguments, reason = "a pass reads many tensors, which no one type owns")]
fn block<S: Real>(
    dims: Dims,
    places: &BlockPlaces,
    theta: &[S],
    [x, delta]: [&[S]; 2],
    values: &BlockState<S>,
    deltas: &mut BlockState<S>,
    out: &mut [S],
    scratch: &mut HeadScratch<S>,
    gradient: Option<&mut [S]>,
) {
    let d = deltas;
    places.output.back(theta, delta, &mut d.active);
    let epilogue = Epilogue::default();
    TimesSmoothSlope { out: &mut d.z, x: &d.active, z: &values.z, function: ACTIVATION, epilogue }.run();
    places.hidden.back(theta, &d.z, &mut d.normal2);
    places.norm2.back(theta, [&values.middle, &d.normal2], Some(delta), &mut d.middle);
    places.projection.back(theta, &d.middle, &mut d.heads);
    let of_attention = [&values.qkv[..], &values.weights];
    attention::back(dims, of_attention, &d.heads, &mut d.weights, &mut d.qkv, scratch);
    places.attention.back(theta, &d.qkv, &mut d.normal1);
    places.norm1.back(theta, [x, &d.normal1], Some(&d.middle), out);
    if let Some(gradient) = gradient {
        places.output.add_gradient(&values.active, delta, gradient);
        places.hidden.add_gradient(&values.normal2, &d.z, gradient);
        places.norm2.add_gradient(&values.middle, &d.normal2, None, gradient);
        places.projection.add_gradient(&values.heads, &d.middle, gradient);
        places.attention.add_gradient(&values.normal1, &d.qkv, gradient);
        places.norm1.add_gradient(x, &d.normal1, None, gradient);
    }
}

/// Back from δ of the outputs, and added to `gradient`, if there is one, the derivatives by the parameters.
#[allow(clippy::too_many_arguments, reason = "a pass reads many tensors, which no one type owns")]
pub(super) fn backward<S: Real>(
    net: &Transformer<S>,
    dims: Dims,
    theta: &[S],
    tokens: &[u32],
    values: &PassState<S>,
    deltas: &mut PassState<S>,
    scratch: &mut Scratch<S>,
    mut gradient: Option<&mut [S]>,
) {
    let places = &net.places;
    let layers = places.blocks.len();
    let outputs = Matrix::new(&deltas.outputs, dims.vocabulary, dims.columns);
    let head = Matrix::new(&theta[places.head.clone()], dims.vocabulary, dims.width);
    product(Store::Replace, head.t(), outputs, &mut deltas.last);
    if let Some(gradient) = gradient.as_deref_mut() {
        let last = Matrix::new(&values.last, dims.width, dims.columns);
        product(Store::Add, outputs, last.t(), &mut gradient[places.head.clone()]);
        places.norm.add_gradient(&values.between[layers], &deltas.last, None, gradient);
    }
    places.norm.back(theta, [&values.between[layers], &deltas.last], None, &mut deltas.between[layers]);
    for index in (0..layers).rev() {
        let (below, above) = deltas.between.split_at_mut(index + 1);
        let of_block = index % deltas.blocks.len();
        block(
            dims,
            &places.blocks[index],
            theta,
            [&values.between[index], &above[0]],
            &values.blocks[index],
            &mut deltas.blocks[of_block],
            &mut below[index],
            &mut scratch.head,
            gradient.as_deref_mut(),
        );
    }
    if let Some(gradient) = gradient {
        add_embedding_gradient(dims, places, tokens, &deltas.between[0], gradient);
    }
}
