"""Models of scikit-learn, XGBoost and LightGBM."""

import dataclasses
import typing

import numpy


@dataclasses.dataclass
class Case:
    model: typing.Any
    inputs: dict
    relative: float = 1e-3
    absolute: float = 1e-4


def data(classes, seed=0):
    from sklearn.datasets import make_classification

    x, y = make_classification(
        300, 8, n_informative=5, n_classes=classes, n_clusters_per_class=1, random_state=seed)
    return x.astype(numpy.float32), y


def sklearn(estimator, classes, options=None, target=None, positive=False):
    def make():
        from skl2onnx import to_onnx

        x, y = data(classes or 2)
        if positive:
            x = numpy.abs(x)
        estimator.fit(x, (x[:, 0] * 3 + x[:, 1] ** 2).astype(numpy.float32) if classes is None else y)
        chosen = {id(estimator): options} if options is not None else None
        model = to_onnx(estimator, x[:1], options=chosen, target_opset=target)
        return Case(model, {model.graph.input[0].name: x[:37]})

    return make


def boosted(make_estimator, classes, convert):
    def make():
        from onnxmltools.convert.common.data_types import FloatTensorType

        x, y = data(classes or 2)
        x[::7, 2] = numpy.nan
        estimator = make_estimator()
        estimator.fit(x, numpy.nan_to_num(x[:, 0] * 3 + x[:, 1] ** 2) if classes is None else y)
        model = convert(estimator, [("x", FloatTensorType([None, 8]))])
        return Case(model, {"x": x[:37]})

    return make


def texts(vectorizer):
    def make():
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import StringTensorType

        rows = ["the quick brown fox", "jumps over the lazy dog", "The dog, and the FOX!", "", "a b cd efg 12 34"]
        vectorizer.fit(rows)
        model = to_onnx(vectorizer, initial_types=[("x", StringTensorType([None]))])
        return Case(model, {"x": numpy.array(rows + ["brown dogs jump 12"], dtype=object)})

    return make


def columns():
    import sklearn.compose
    import sklearn.linear_model
    import sklearn.pipeline
    import sklearn.preprocessing
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    import pandas

    rng = numpy.random.default_rng(0)
    table = pandas.DataFrame({
        "a": rng.normal(size=60).astype(numpy.float32), "b": rng.normal(size=60).astype(numpy.float32),
        "kind": rng.choice(["red", "green", "blue"], 60)})
    y = (table.a + (table.kind == "red") > 0).astype(int)
    pipeline = sklearn.pipeline.make_pipeline(
        sklearn.compose.ColumnTransformer([
            ("numbers", sklearn.preprocessing.StandardScaler(), ["a", "b"]),
            ("words", sklearn.preprocessing.OneHotEncoder(handle_unknown="ignore"), ["kind"])]),
        sklearn.linear_model.LogisticRegression())
    pipeline.fit(table, y)
    model = to_onnx(
        pipeline, initial_types=[
            ("a", FloatTensorType([None, 1])), ("b", FloatTensorType([None, 1])), ("kind", StringTensorType([None, 1]))],
        options={"zipmap": False})
    return Case(model, {
        "a": table[["a"]].to_numpy(), "b": table[["b"]].to_numpy(),
        "kind": table[["kind"]].to_numpy().astype(object)})


def cases():
    import lightgbm
    import onnxmltools
    import xgboost
    from sklearn import (
        calibration, cluster, decomposition, discriminant_analysis, ensemble, feature_extraction, gaussian_process,
        impute, linear_model, mixture, naive_bayes, neighbors, neural_network, pipeline, preprocessing, svm, tree)

    plain = {"zipmap": False}
    raw = {"zipmap": False, "raw_scores": True}
    classifiers = {
        "logistic": linear_model.LogisticRegression, "sgd": linear_model.SGDClassifier,
        "perceptron": linear_model.Perceptron, "linear_svc": svm.LinearSVC, "tree": tree.DecisionTreeClassifier,
        "forest": lambda: ensemble.RandomForestClassifier(30, random_state=0),
        "extra_trees": lambda: ensemble.ExtraTreesClassifier(20, random_state=0),
        "boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=10),
        "histogram_boosting": lambda: ensemble.HistGradientBoostingClassifier(max_iter=10),
        "ada_boost": lambda: ensemble.AdaBoostClassifier(n_estimators=5),
        "bagging": lambda: ensemble.BaggingClassifier(n_estimators=5, random_state=0),
        "neighbors": neighbors.KNeighborsClassifier, "gaussian_nb": naive_bayes.GaussianNB,
        "bernoulli_nb": naive_bayes.BernoulliNB,
        "mlp": lambda: neural_network.MLPClassifier((16,), max_iter=50), "lda": discriminant_analysis.LinearDiscriminantAnalysis,
        "qda": discriminant_analysis.QuadraticDiscriminantAnalysis,
        "calibrated": lambda: calibration.CalibratedClassifierCV(linear_model.LogisticRegression(), cv=3),
        "voting": lambda: ensemble.VotingClassifier(
            [("a", linear_model.LogisticRegression()), ("b", tree.DecisionTreeClassifier(max_depth=4))], voting="soft"),
        "stacking": lambda: ensemble.StackingClassifier(
            [("a", linear_model.LogisticRegression()), ("b", tree.DecisionTreeClassifier(max_depth=4))]),
        "scaled_pca": lambda: pipeline.make_pipeline(
            preprocessing.StandardScaler(), decomposition.PCA(4), linear_model.LogisticRegression()),
    }
    for kernel in ("linear", "poly", "rbf", "sigmoid"):
        for chance in (False, True):
            classifiers[f"svc_{kernel}{'_probability' * chance}"] = (
                lambda kernel=kernel, chance=chance: svm.SVC(kernel=kernel, probability=chance, random_state=0))
    for name, estimator in classifiers.items():
        for classes in (2, 4):
            yield f"sklearn_{name}_{classes}", sklearn(estimator(), classes, plain)
    yield "sklearn_forest_raw", sklearn(ensemble.RandomForestClassifier(5, random_state=0), 3, {"zipmap": True})
    yield "sklearn_boosting_raw", sklearn(ensemble.GradientBoostingClassifier(n_estimators=5), 2, raw)
    yield "sklearn_multinomial_nb", sklearn(naive_bayes.MultinomialNB(), 3, plain, positive=True)
    yield "sklearn_complement_nb", sklearn(naive_bayes.ComplementNB(), 3, plain, positive=True)
    regressors = {
        "linear": linear_model.LinearRegression(), "ridge": linear_model.Ridge(), "lasso": linear_model.Lasso(),
        "svr": svm.SVR(), "linear_svr": svm.LinearSVR(), "nu_svr": svm.NuSVR(), "tree": tree.DecisionTreeRegressor(),
        "forest": ensemble.RandomForestRegressor(20, random_state=0),
        "boosting": ensemble.GradientBoostingRegressor(n_estimators=10),
        "histogram_boosting": ensemble.HistGradientBoostingRegressor(max_iter=10),
        "neighbors": neighbors.KNeighborsRegressor(), "mlp": neural_network.MLPRegressor((8,), max_iter=50),
        "gaussian_process": gaussian_process.GaussianProcessRegressor(alpha=0.1), "poisson": linear_model.TweedieRegressor(),
    }
    for name, estimator in regressors.items():
        yield f"sklearn_{name}_regressor", sklearn(estimator, None)
    others = {
        "kmeans": cluster.KMeans(3, n_init=2), "isolation_forest": ensemble.IsolationForest(n_estimators=10, random_state=0),
        "one_class_svm": svm.OneClassSVM(), "mixture": mixture.GaussianMixture(2), "imputer": impute.SimpleImputer(),
        "min_max": preprocessing.MinMaxScaler(), "max_abs": preprocessing.MaxAbsScaler(),
        "robust": preprocessing.RobustScaler(), "normalizer": preprocessing.Normalizer(),
        "binarizer": preprocessing.Binarizer(), "bins": preprocessing.KBinsDiscretizer(4),
        "polynomial": preprocessing.PolynomialFeatures(2), "svd": decomposition.TruncatedSVD(3),
        "power": preprocessing.PowerTransformer(), "outlier": neighbors.LocalOutlierFactor(novelty=True),
    }
    for name, estimator in others.items():
        yield f"sklearn_{name}", sklearn(estimator, 2)
    text = feature_extraction.text
    yield "sklearn_count_words", texts(text.CountVectorizer(token_pattern=r"[a-zA-Z0-9]+"))
    yield "sklearn_tfidf_words", texts(text.TfidfVectorizer(token_pattern=r"[a-zA-Z0-9]+", ngram_range=(1, 2)))
    yield "sklearn_tfidf_default", texts(text.TfidfVectorizer())
    yield "sklearn_tfidf_stopwords", texts(text.TfidfVectorizer(token_pattern=r"[a-zA-Z0-9]+", stop_words=["the"]))
    yield "sklearn_count_chars", texts(text.CountVectorizer(analyzer="char"))
    yield "sklearn_columns", columns
    for classes in (2, 4, None):
        kind = f"{classes}" if classes else "regressor"
        gradient = xgboost.XGBRegressor if classes is None else xgboost.XGBClassifier
        leaves = lightgbm.LGBMRegressor if classes is None else lightgbm.LGBMClassifier
        yield f"xgboost_{kind}", boosted(
            lambda g=gradient: g(n_estimators=20), classes, lambda m, t: onnxmltools.convert_xgboost(m, initial_types=t))
        yield f"lightgbm_{kind}", boosted(
            lambda g=leaves: g(n_estimators=20, verbose=-1), classes,
            lambda m, t: onnxmltools.convert_lightgbm(m, initial_types=t, zipmap=False))
