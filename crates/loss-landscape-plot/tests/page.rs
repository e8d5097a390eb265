//! Pages with known values, small and large, with holes and hostile names. What a browser makes of them,
//! `viewer/tests/browser/page.js` checks: it opens the files that are left here.

use std::{fs, path::PathBuf};

use loss_landscape::{Draws, FnModel, Layout, RandomDirections, Surface, Sweep, topology::Topology};
use loss_landscape_plot::{
    Error,
    page::{Page, PageLandscape},
};
use ndarray::Array2;

/// Written for the browser: `FOLDER/page` of the target's folder for temporary files.
fn write(name: &str, html: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), html).unwrap();
}

/// The browser test computes the same, operation by operation.
fn axis(count: usize) -> Vec<f64> {
    (0..count).map(|k| 2.0 * k as f64 / (count - 1) as f64 - 1.0).collect()
}

fn bowl(nx: usize, ny: usize, steepness: f64) -> Array2<f64> {
    let (x, y) = (axis(nx), axis(ny));
    Array2::from_shape_fn((nx, ny), |(i, j)| 0.02 + x[i] * x[i] + steepness * y[j] * y[j])
}

#[test]
fn one_landscape_with_holes_and_hostile_names() {
    let nasty = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>{{data}}";
    let (nx, ny) = (41, 31);
    let mut loss = bowl(nx, ny, 9.0);
    loss[[10, 20]] = f64::NAN;
    loss[[0, 0]] = f64::INFINITY;
    loss[[40, 0]] = f64::NEG_INFINITY;
    loss[[30, 15]] = -1.5;
    let mut needle = bowl(nx, ny, 9.0);
    needle[[5, 5]] = 1e15;
    let html = Page::new(nasty)
        .caption(nasty)
        .landscape(
            PageLandscape::new(nasty, &axis(nx), &axis(ny))
                .channel("train loss", loss.view())
                .channel(nasty, loss.mapv(|v| 1.0 / (1.0 + v)).view())
                .channel("nothing finite", Array2::from_elem((nx, ny), f64::NAN).view())
                .channel("a needle", needle.view())
                .channel("all the same", Array2::from_elem((nx, ny), 3.0).view())
                .channel("extremes", bowl(nx, ny, 1.0).mapv(|v| (v - 1.0) * f64::MAX / 3.0).view())
                .trajectory(nasty, &[-0.9, -0.2, 0.0], &[0.8, 0.3, 0.0])
                .trajectory("leaves the plane", &[0.5, 3.0], &[0.5, 0.5])
                .provenance([(nasty, nasty)]),
        )
        .to_html()
        .unwrap();
    assert!(!html.contains("<script>window") && !html.contains("<img"));
    write("hostile.html", &html);
}

#[test]
fn two_landscapes_on_grids_that_are_not_square() {
    let page = |names: [&str; 2]| {
        let mut page = Page::new("A sharp and a flat minimiser");
        for (name, steepness) in names.into_iter().zip([9.0, 2.0]) {
            let (nx, ny) = (61, 41);
            let loss = bowl(nx, ny, steepness);
            let mut landscape = PageLandscape::new(name, &axis(nx), &axis(ny))
                .channel("train loss", loss.view())
                .channel("train accuracy", loss.mapv(|v| 1.0 / (1.0 + v)).view())
                .provenance([("seed", "42"), ("norm", "filter")]);
            if name == "flat" {
                landscape = landscape.channel("λ_min/λ_max", loss.mapv(|v| v / 20.0).view());
            }
            page = page.landscape(landscape);
        }
        page.to_html().unwrap()
    };
    let html = page(["sharp", "flat"]);
    assert_eq!(html, page(["sharp", "flat"]), "the same input gives the same bytes");
    write("pair.html", &html);
}

/// Two wells at x = ±½ of 41 points, the left one deeper, with a point of which nothing is known beside the right one.
#[test]
fn minima_and_saddles() {
    let (x, y) = (axis(41), axis(21));
    let mut loss = Array2::from_shape_fn((41, 21), |(i, j)| {
        1.1 + 16.0 * (x[i] * x[i] - 0.25).powi(2) + 0.1 * x[i] + y[j] * y[j]
    });
    loss[[33, 10]] = f64::NAN;
    let channels =
        [("train loss".to_owned(), loss.clone()), ("test loss".to_owned(), loss.mapv(|v| v + 1.0))];
    let surface = Surface::from_channels(&x, &y, channels).unwrap();
    let report = Topology::new().of(&surface).unwrap();
    assert_eq!((report.minima.len(), report.merges.len()), (2, 1));
    let landscape = || PageLandscape::from_surface("two wells", &surface);
    write("wells.html", &Page::new("Two wells").landscape(landscape().topology(&report)).to_html().unwrap());

    let error = |landscape: PageLandscape| Page::new("").landscape(landscape).to_html().unwrap_err();
    let twice = error(landscape().topology(&report).topology(&report));
    assert_eq!(twice.to_string(), "two shapes are named `train loss`");
    let other = PageLandscape::new("", &x, &y).channel("loss", loss.view()).topology(&report);
    assert!(matches!(error(other), Error::Core(loss_landscape::Error::UnknownChannel { .. })));
    let part = loss.slice(ndarray::s![..40, ..]);
    let part = PageLandscape::new("", &x[..40], &y).channel("train loss", part).topology(&report);
    assert!(matches!(error(part), Error::Length { len: 41, expected: 40, .. }));
}

/// Four planes through a bowl of 31×21 points of seed 7, beside two tilted bowls without a known origin, the second one
/// higher, on the same axes.
#[test]
fn draws() {
    let loss = |t: &[f64], (): &()| {
        1.0 + t.iter().enumerate().map(|(k, t)| (k as f64 - 1.5) * t + t * t).sum::<f64>()
    };
    let model = FnModel::new(Layout::flat(6).unwrap(), vec![0.3; 6], loss).unwrap();
    let sweep = Sweep::plane(&model, RandomDirections::new(7)).data("train", &());
    let known = sweep.alpha(-1.0..=1.0, 31).beta(-1.0..=1.0, 21).draws(4).unwrap();
    let (x, y) = (known.alpha(), known.beta());
    let tilted = |k: f64| {
        Array2::from_shape_fn((31, 21), |(i, j)| 0.5 + k + x[i] * x[i] + 0.25 * k * x[i] + y[j] * y[j])
    };
    let given = |k| Surface::from_channels(x, y, [("train loss".to_owned(), tilted(k))]).unwrap();
    let unknown = Draws::new(vec![given(0.0), given(3.0)]).unwrap();
    let shapes: Vec<_> = known.iter().map(|surface| Topology::new().of(surface).unwrap()).collect();
    let four = || PageLandscape::from_draws("four", &known);
    let page = Page::new("Several draws")
        .landscape(four().channel("common", tilted(1.0).view()).topologies(&shapes))
        .landscape(PageLandscape::from_draws("two", &unknown));
    let html = page.to_html().unwrap();
    for k in 0..4 {
        assert!(html.contains(&format!("\"seed 7, streams {} and {}\"", 2 * k, 2 * k + 1)), "{k}");
    }
    // What is the same for all draws is told once.
    assert_eq!((html.matches("direction of α").count(), html.matches("[\"θ\",").count()), (4, 1));
    write("draws.html", &html);

    let error = |landscape: PageLandscape| Page::new("").landscape(landscape).to_html().unwrap_err();
    let twice = error(four().topologies(&shapes).topologies(&shapes));
    assert_eq!(twice.to_string(), "two shapes are named `train loss`");
    let more = error(PageLandscape::from_draws("two", &unknown).topologies(&shapes));
    assert_eq!(more.to_string(), "the list of the shapes of `train loss` has 4 elements, expected 2");
    let again = error(four().channel("train loss", tilted(1.0).view()));
    assert_eq!(again.to_string(), "two channels are named `train loss`");
}

#[test]
fn large_landscapes() {
    let mut landscape = PageLandscape::new("251×251", &axis(251), &axis(251));
    for (name, steepness) in [("train loss", 9.0), ("test loss", 10.0), ("accuracy", 0.5), ("ratio", 0.1)] {
        landscape = landscape.channel(name, bowl(251, 251, steepness).view());
    }
    write("251.html", &Page::new("251×251").landscape(landscape).to_html().unwrap());
    let loss = bowl(1001, 1001, 9.0);
    let landscape =
        PageLandscape::new("1,001×1,001", &axis(1001), &axis(1001)).channel("train loss", loss.view());
    write("1001.html", &Page::new("1,001×1,001").landscape(landscape).to_html().unwrap());
}
