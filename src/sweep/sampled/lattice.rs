//! The points at which all samples are evaluated, and how others lie between them.

/// The lattice of a grid: every so many points along each axis.
pub(super) struct Lattice {
    axes: [AxisNodes; 2],
}

/// The nodes along one axis.
struct AxisNodes {
    /// Of all points.
    coordinates: Vec<f64>,
    /// Positions of the nodes, ascending; the first and the last point are among them.
    nodes: Vec<usize>,
}

/// A node with its weight in an interpolation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weighted {
    /// Its number among the nodes.
    pub(super) node: usize,
    pub(super) weight: f64,
}

/// How many nodes along an axis a polynomial goes through, at most.
const NODES: usize = 4;

impl Lattice {
    pub(super) fn new(alpha: &[f64], beta: &[f64], spacing: usize) -> Self {
        Self { axes: [alpha, beta].map(|axis| AxisNodes::new(axis, spacing)) }
    }

    /// The number of nodes.
    pub(super) fn len(&self) -> usize {
        self.axes[0].nodes.len() * self.axes[1].nodes.len()
    }

    /// The points of all nodes, in their order.
    pub(super) fn points(&self) -> impl Iterator<Item = usize> {
        let [rows, columns] = &self.axes;
        let width = columns.coordinates.len();
        rows.nodes.iter().flat_map(move |i| columns.nodes.iter().map(move |j| i * width + j))
    }

    /// The number of the node at a point, if it is one.
    pub(super) fn node(&self, point: usize) -> Option<usize> {
        let [rows, columns] = &self.axes;
        let [i, j] = [point / columns.coordinates.len(), point % columns.coordinates.len()];
        let [i, j] = [rows.nodes.binary_search(&i).ok()?, columns.nodes.binary_search(&j).ok()?];
        Some(i * columns.nodes.len() + j)
    }

    /// The point of a node.
    pub(super) fn point(&self, node: usize) -> usize {
        let [rows, columns] = &self.axes;
        let [i, j] = [node / columns.nodes.len(), node % columns.nodes.len()];
        rows.nodes[i] * columns.coordinates.len() + columns.nodes[j]
    }

    /// The node nearest to (0, 0), each coordinate by itself.
    pub(super) fn centre(&self) -> usize {
        let [i, j] = [0, 1].map(|axis| {
            let AxisNodes { coordinates, nodes } = &self.axes[axis];
            let distance = |k: &usize| coordinates[nodes[*k]].abs();
            (0..nodes.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0)
        });
        i * self.axes[1].nodes.len() + j
    }

    /// The nodes that a point is interpolated from, by polynomials of degree 3 along both axes.
    pub(super) fn cubic(&self, point: usize, out: &mut Vec<Weighted>) {
        self.around(point, NODES, out);
    }

    /// The nodes at the corners of its cell, for linear interpolation along both axes.
    pub(super) fn corners(&self, point: usize, out: &mut Vec<Weighted>) {
        self.around(point, 2, out);
    }

    fn around(&self, point: usize, most: usize, out: &mut Vec<Weighted>) {
        let [rows, columns] = &self.axes;
        let [i, j] = [point / columns.coordinates.len(), point % columns.coordinates.len()];
        let [(first, rows), (left, along)] = [rows.around(i, most), columns.around(j, most)];
        out.clear();
        let weights =
            |weights: [f64; NODES]| (0..NODES).map(move |k| (k, weights[k])).filter(|(_, w)| *w != 0.0);
        for (a, row) in weights(rows) {
            for (b, column) in weights(along) {
                let node = (first + a) * columns.nodes.len() + left + b;
                out.push(Weighted { node, weight: row * column });
            }
        }
    }
}

impl AxisNodes {
    fn new(coordinates: &[f64], spacing: usize) -> Self {
        let last = coordinates.len() - 1;
        let mut nodes: Vec<usize> = (0..last).step_by(spacing).collect();
        // A gap of one point at the end would cost a node and save nothing.
        if nodes.len() > 1 && last - nodes[nodes.len() - 1] < spacing.div_ceil(2) {
            nodes.pop();
        }
        nodes.push(last);
        Self { coordinates: coordinates.to_vec(), nodes }
    }

    /// The first of the nodes around a position, and the weights of Lagrange's polynomial through at most `most` nodes
    /// from there on; 0 for those that do not count.
    fn around(&self, position: usize, most: usize) -> (usize, [f64; NODES]) {
        let mut weights = [0.0; NODES];
        let after = self.nodes.partition_point(|node| *node <= position);
        let count = most.min(self.nodes.len());
        let first = (after.saturating_sub(count / 2)).min(self.nodes.len() - count);
        let at = |k: usize| self.coordinates[self.nodes[first + k]];
        let x = self.coordinates[position];
        for (k, weight) in weights.iter_mut().enumerate().take(count) {
            let factors =
                (0..count).filter(|other| *other != k).map(|other| (x - at(other)) / (at(k) - at(other)));
            *weight = factors.product();
        }
        (first, weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(points: usize) -> Vec<f64> {
        (0..points).map(|k| k as f64 / 5.0 - 1.0).collect()
    }

    #[test]
    fn a_lattice_has_the_ends_of_every_axis() {
        for points in 1..60 {
            for spacing in 2..9 {
                let nodes = AxisNodes::new(&axis(points), spacing).nodes;
                assert_eq!((nodes[0], nodes[nodes.len() - 1]), (0, points - 1));
                assert!(nodes.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] < 2 * spacing));
            }
        }
        assert_eq!(AxisNodes::new(&axis(51), 5).nodes.len(), 11);
        assert_eq!(AxisNodes::new(&axis(41), 4).nodes.len(), 11);
    }

    #[test]
    fn nodes_are_found_by_their_points() {
        let lattice = Lattice::new(&axis(13), &axis(9), 4);
        let points: Vec<usize> = lattice.points().collect();
        assert_eq!(points.len(), lattice.len());
        for point in 0..13 * 9 {
            assert_eq!(lattice.node(point), points.iter().position(|other| *other == point), "{point}");
        }
        // The origin is at α₅ and β₅, beside the nodes 4 and 4.
        assert_eq!(lattice.centre(), 4);
    }

    #[test]
    fn polynomials_of_degree_three_are_interpolated_exactly() {
        let f = |x: f64, y: f64| 1.0 + x - 2.0 * x.powi(3) * y.powi(2) + y.powi(3);
        let bilinear = |x: f64, y: f64| 1.0 + x - 2.0 * x * y;
        let (alpha, mut beta) = (axis(14), axis(22));
        beta[7] += 0.07;
        let lattice = Lattice::new(&alpha, &beta, 4);
        let points: Vec<usize> = lattice.points().collect();
        let place = |point: usize| (alpha[point / 22], beta[point % 22]);
        let mut nodes = Vec::new();
        for point in 0..14 * 22 {
            let (x, y) = place(point);
            let value = |nodes: &[Weighted], f: &dyn Fn(f64, f64) -> f64| -> f64 {
                let terms = nodes.iter().map(|w| {
                    let (x, y) = place(points[w.node]);
                    w.weight * f(x, y)
                });
                terms.sum()
            };
            lattice.cubic(point, &mut nodes);
            assert!((value(&nodes, &f) - f(x, y)).abs() < 1e-12, "{point}");
            lattice.corners(point, &mut nodes);
            assert!(nodes.len() <= 4 && nodes.iter().all(|w| (-1e-12..=1.0 + 1e-12).contains(&w.weight)));
            assert!((value(&nodes, &bilinear) - bilinear(x, y)).abs() < 1e-12, "{point}");
        }
    }

    #[test]
    fn short_axes_are_interpolated_from_what_they_have() {
        for points in 1..6 {
            let lattice = Lattice::new(&axis(points), &[0.0], 2);
            let mut nodes = Vec::new();
            for point in 0..points {
                lattice.cubic(point, &mut nodes);
                assert!((nodes.iter().map(|w| w.weight).sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
    }
}
