//! Layouts and directions as objects of Python.

use loss_landscape::{
    Block, Buffers, Direction, Directions, Layout, Mask, Normalization, RandomDirections, Role, Scalar,
    content_hash,
};
use numpy::{Element, PyArray1, PyReadonlyArray1, ToPyArray};
use pyo3::prelude::*;

use crate::errors::{OrRaise, argument};

/// A block: name, shape, role, filter axis.
type BlockTuple = (String, Vec<usize>, String, Option<usize>);

/// The blocks of a flat vector.
#[pyclass(name = "Layout", module = "loss_landscape._core", frozen, from_py_object)]
#[derive(Clone)]
pub(crate) struct PyLayout(pub(crate) Layout);

#[pymethods]
impl PyLayout {
    #[new]
    fn new(blocks: Vec<BlockTuple>) -> PyResult<Self> {
        let block = |(name, shape, role, axis): BlockTuple| -> PyResult<Block> {
            Ok(Block::new(name, shape, role_of(&role)?, axis))
        };
        let blocks = blocks.into_iter().map(block).collect::<PyResult<Vec<_>>>()?;
        Ok(Self(Layout::new(blocks).or_raise()?))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn blocks(&self) -> Vec<BlockTuple> {
        let block = |block: &Block| {
            (
                block.name().to_owned(),
                block.shape().to_vec(),
                word(block.role()).to_owned(),
                block.filter_axis(),
            )
        };
        self.0.blocks().iter().map(block).collect()
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0.blocks() == other.0.blocks()
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> (Py<PyAny>, (Vec<BlockTuple>,)) {
        (slf.get_type().into_any().unbind(), (slf.get().blocks(),))
    }
}

fn role_of(role: &str) -> PyResult<Role> {
    Ok(match role {
        "weight" => Role::Weight,
        "bias" => Role::Bias,
        "norm_scale" => Role::NormScale,
        "norm_shift" => Role::NormShift,
        "buffer" => Role::Buffer,
        other => {
            let text = format!(
                "`{other}` is no role: one of 'weight', 'bias', 'norm_scale', 'norm_shift' and 'buffer'"
            );
            return Err(argument(text));
        }
    })
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Weight => "weight",
        Role::Bias => "bias",
        Role::NormScale => "norm_scale",
        Role::NormShift => "norm_shift",
        _ => "buffer",
    }
}

/// A vector of either scalar.
#[derive(Clone)]
pub(crate) enum Either<A, B> {
    F32(A),
    F64(B),
}

/// A numpy vector of either scalar.
#[derive(FromPyObject)]
pub(crate) enum Vector<'py> {
    F32(PyReadonlyArray1<'py, f32>),
    F64(PyReadonlyArray1<'py, f64>),
}

/// A direction: one vector, with its layout, its source and its normalisation.
#[pyclass(name = "Direction", module = "loss_landscape._core", frozen, from_py_object)]
#[derive(Clone)]
pub(crate) struct PyDirection(pub(crate) Either<Direction<f32>, Direction<f64>>);

macro_rules! with_direction {
    ($direction:expr, $inner:ident => $work:expr) => {
        match &$direction.0 {
            Either::F32($inner) => $work,
            Either::F64($inner) => $work,
        }
    };
}

/// A scalar that Python sees.
pub(crate) trait PyScalar: Scalar + Element {
    fn wrap(direction: Direction<Self>) -> PyDirection;
    fn unwrap(direction: &PyDirection) -> Option<&Direction<Self>>;
    fn vector<'a>(vector: &'a Vector<'_>) -> Option<ndarray::ArrayView1<'a, Self>>;
}

impl PyScalar for f32 {
    fn wrap(direction: Direction<Self>) -> PyDirection {
        PyDirection(Either::F32(direction))
    }
    fn unwrap(direction: &PyDirection) -> Option<&Direction<Self>> {
        if let Either::F32(direction) = &direction.0 { Some(direction) } else { None }
    }
    fn vector<'a>(vector: &'a Vector<'_>) -> Option<ndarray::ArrayView1<'a, Self>> {
        if let Vector::F32(vector) = vector { Some(vector.as_array()) } else { None }
    }
}

impl PyScalar for f64 {
    fn wrap(direction: Direction<Self>) -> PyDirection {
        PyDirection(Either::F64(direction))
    }
    fn unwrap(direction: &PyDirection) -> Option<&Direction<Self>> {
        if let Either::F64(direction) = &direction.0 { Some(direction) } else { None }
    }
    fn vector<'a>(vector: &'a Vector<'_>) -> Option<ndarray::ArrayView1<'a, Self>> {
        if let Vector::F64(vector) = vector { Some(vector.as_array()) } else { None }
    }
}

/// The direction of the scalar of θ.
pub(crate) fn direction_of<S: PyScalar>(direction: &PyDirection) -> PyResult<Direction<S>> {
    let text = || format!("the direction is not of {}, as the parameters are", S::NAME);
    S::unwrap(direction).cloned().ok_or_else(|| argument(text()))
}

/// A vector of the scalar of θ.
pub(crate) fn vector_of<S: PyScalar>(vector: &Vector<'_>) -> PyResult<Vec<S>> {
    let text = || format!("the vector is not of {}, as the parameters are", S::NAME);
    S::vector(vector).map(|v| v.to_vec()).ok_or_else(|| argument(text()))
}

#[pymethods]
impl PyDirection {
    /// The caller's vector.
    #[staticmethod]
    fn given(layout: &PyLayout, values: Vector<'_>) -> PyResult<Self> {
        fn of<S: PyScalar>(layout: &Layout, values: &Vector<'_>) -> PyResult<PyDirection> {
            Ok(S::wrap(Direction::new(layout, vector_of::<S>(values)?).or_raise()?))
        }
        match values {
            Vector::F32(_) => of::<f32>(&layout.0, &values),
            Vector::F64(_) => of::<f64>(&layout.0, &values),
        }
    }

    /// b − a.
    #[staticmethod]
    fn between(layout: &PyLayout, a: Vector<'_>, b: Vector<'_>, move_buffers: bool) -> PyResult<Self> {
        fn of<S: PyScalar>(
            layout: &Layout,
            a: &Vector<'_>,
            b: &Vector<'_>,
            buffers: Buffers,
        ) -> PyResult<PyDirection> {
            let (a, b) = (vector_of::<S>(a)?, vector_of::<S>(b)?);
            layout.ensure_length("θ_b", b.len()).or_raise()?;
            Ok(S::wrap(Direction::between(layout, &a, &b, buffers).or_raise()?))
        }
        let buffers = buffers(move_buffers);
        match a {
            Vector::F32(_) => of::<f32>(&layout.0, &a, &b, buffers),
            Vector::F64(_) => of::<f64>(&layout.0, &a, &b, buffers),
        }
    }

    /// The same direction with lengths by the rule of a JSON text.
    fn normalized(&self, theta: Vector<'_>, normalization: &str) -> PyResult<Self> {
        let rule = normalization_of(normalization)?;
        with_direction!(self, direction => {
            let theta = vector_of(&theta)?;
            Ok(PyScalar::wrap(direction.clone().normalized(&theta, &rule).or_raise()?))
        })
    }

    fn values<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        match &self.0 {
            Either::F32(direction) => PyArray1::from_slice(py, direction.values()).into_any(),
            Either::F64(direction) => PyArray1::from_slice(py, direction.values()).into_any(),
        }
    }

    fn norm(&self) -> f64 {
        with_direction!(self, direction => direction.norm())
    }

    fn source(&self) -> String {
        with_direction!(self, direction => direction.source().to_string())
    }

    fn normalization(&self) -> Option<String> {
        with_direction!(self, direction => direction.normalization().map(ToString::to_string))
    }

    fn hash(&self) -> u64 {
        with_direction!(self, direction => content_hash(direction.values()))
    }

    fn cosine(&self, other: &Self) -> PyResult<f64> {
        with_direction!(self, direction => direction.cosine(&direction_of(other)?).or_raise())
    }

    /// What was drawn, block by block, as a JSON text.
    fn report(&self, theta: Vector<'_>) -> PyResult<String> {
        with_direction!(self, direction => {
            let theta = vector_of(&theta)?;
            direction.layout().ensure_length("θ", theta.len()).or_raise()?;
            json(&direction.report(&theta).or_raise()?)
        })
    }

    /// Where θ lies in the plane of this and another direction about an origin: coordinates and the rest.
    fn project(&self, other: &Self, origin: Vector<'_>, theta: Vector<'_>) -> PyResult<([f64; 2], f64, f64)> {
        with_direction!(self, direction => {
            let pair = Directions::new(direction.clone(), direction_of(other)?).or_raise()?;
            let found = pair.project(&vector_of(&origin)?, &vector_of(&theta)?).or_raise()?;
            Ok((found.coordinates, found.residual, found.relative_residual()))
        })
    }

    fn layout(&self) -> PyLayout {
        with_direction!(self, direction => PyLayout(direction.layout().clone()))
    }
}

pub(crate) fn buffers(moving: bool) -> Buffers {
    if moving { Buffers::Move } else { Buffers::Still }
}

fn normalization_of(text: &str) -> PyResult<Normalization> {
    serde_json::from_str(text).map_err(|error| argument(format!("no normalisation: {error}")))
}

pub(crate) fn random_of(text: &str, mask: Option<Mask>) -> PyResult<RandomDirections> {
    let random: RandomDirections =
        serde_json::from_str(text).map_err(|error| argument(format!("no random directions: {error}")))?;
    Ok(match mask {
        Some(mask) => random.mask(mask),
        None => random,
    })
}

/// The mask of the blocks of these numbers.
pub(crate) fn mask_of(layout: &Layout, chosen: Option<Vec<String>>) -> PyResult<Option<Mask>> {
    let Some(chosen) = chosen else { return Ok(None) };
    let mut mask: Option<Mask> = None;
    for pattern in chosen {
        let one = Mask::name(layout, &pattern).or_raise()?;
        mask = Some(match mask {
            Some(mask) => mask.or(&one).or_raise()?,
            None => one,
        });
    }
    mask.map(Some).ok_or_else(|| argument("a mask needs at least one pattern of names"))
}

pub(crate) fn json(value: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| argument(format!("not to be written: {error}")))
}

struct Centre<'a, S> {
    layout: &'a Layout,
    theta: Vec<S>,
}

impl<S: Scalar> loss_landscape::Model for Centre<'_, S> {
    type Scalar = S;
    fn layout(&self) -> &Layout {
        self.layout
    }
    fn parameters(&self) -> &[S] {
        &self.theta
    }
}

/// One or two random directions at θ, by the settings of a JSON text.
#[pyfunction]
pub(crate) fn draw(
    py: Python<'_>,
    layout: &PyLayout,
    theta: Vector<'_>,
    settings: &str,
    mask: Option<Vec<String>>,
    count: usize,
) -> PyResult<Vec<PyDirection>> {
    fn of<S: PyScalar>(
        py: Python<'_>,
        layout: &Layout,
        theta: &Vector<'_>,
        random: &RandomDirections,
        count: usize,
    ) -> PyResult<Vec<PyDirection>> {
        let centre = Centre { layout, theta: vector_of::<S>(theta)? };
        let drawn = py.detach(|| -> loss_landscape::Result<Vec<Direction<S>>> {
            if count == 1 {
                Ok(vec![random.one(&centre)?])
            } else {
                Ok(random.pair(&centre)?.into_both().into())
            }
        });
        Ok(drawn.or_raise()?.into_iter().map(S::wrap).collect())
    }
    let random = random_of(settings, mask_of(&layout.0, mask)?)?;
    match theta {
        Vector::F32(_) => of::<f32>(py, &layout.0, &theta, &random, count),
        Vector::F64(_) => of::<f64>(py, &layout.0, &theta, &random, count),
    }
}

/// The plane through three parameter vectors, with the coordinates of the three in it.
#[pyfunction]
pub(crate) fn through(
    layout: &PyLayout,
    points: [Vector<'_>; 3],
    move_buffers: bool,
) -> PyResult<(Vec<PyDirection>, [[f64; 2]; 3])> {
    fn of<S: PyScalar>(
        layout: &Layout,
        points: &[Vector<'_>; 3],
        buffers: Buffers,
    ) -> PyResult<(Vec<PyDirection>, [[f64; 2]; 3])> {
        let [a, b, c] =
            [vector_of::<S>(&points[0])?, vector_of::<S>(&points[1])?, vector_of::<S>(&points[2])?];
        let (plane, coordinates) = Directions::through(layout, [&a, &b, &c], buffers).or_raise()?;
        Ok((plane.into_both().into_iter().map(S::wrap).collect(), coordinates))
    }
    match points[0] {
        Vector::F32(_) => of::<f32>(&layout.0, &points, buffers(move_buffers)),
        Vector::F64(_) => of::<f64>(&layout.0, &points, buffers(move_buffers)),
    }
}

/// The hash of a vector, as results record it.
#[pyfunction]
pub(crate) fn content_hash_of(vector: Vector<'_>) -> u64 {
    match vector {
        Vector::F32(vector) => content_hash(&vector.as_array().to_vec()),
        Vector::F64(vector) => content_hash(&vector.as_array().to_vec()),
    }
}

/// An array of any dimension for numpy.
pub(crate) fn to_numpy<'py, D: ndarray::Dimension>(
    py: Python<'py>,
    view: ndarray::ArrayView<'_, f64, D>,
) -> Bound<'py, PyAny> {
    view.to_pyarray(py).into_any()
}
