"""The code of a logged forecaster: MLflow copies this file into the model and runs it there.

It is a script and no module to import. The package itself travels beside it, in the model's
folder ``code``.
"""

from mlflow.models import set_model

from fewshot_metalstm.kinds.forecasting.serving.pyfunc import PyfuncForecaster

set_model(PyfuncForecaster())
