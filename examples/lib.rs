//! The examples of the workspace are in the files beside this one; this library only tests the code in README.md
//! and in the chapters of the guide.

/// One item for each page, so that a failing test names its page.
macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!($path)]
            struct $name;
        )*
    };
}

pages! {
    Readme: "../README.md",
    GuideReading: "../docs/guide/src/reading.md",
    GuideYourModel: "../docs/guide/src/your_model.md",
    GuidePytorch: "../docs/guide/src/pytorch.md",
    GuideDirections: "../docs/guide/src/directions.md",
    GuideCurvature: "../docs/guide/src/curvature.md",
    GuideLongRuns: "../docs/guide/src/long_runs.md",
    GuidePromises: "../docs/guide/src/promises.md",
}
