"""Everything that can go wrong with a model, each as one condition with its own code."""

from __future__ import annotations

from codelab.kit.errors import CodeLabError


class ModelError(CodeLabError):
    """A model did not give the answer that was asked for.

    `begun_by` is the catalogue name of the model whose answer had begun; empty when none had.
    `model` is that of the model that was asked, where one was.
    """

    code = "model_failed"
    title = "The model failed"
    status = 502
    begun_by: str = ""
    model: str = ""


class NoModelConfigured(ModelError):
    """This server has been given no model at all."""

    code = "no_model"
    title = "No model is configured"
    status = 503


class NoModelAvailable(ModelError):
    """Every model that may answer was tried, and none did.

    The message says what was tried.
    """

    code = "no_model_available"
    title = "No model is available"
    status = 503
    retryable = True


class ModelUnknown(ModelError):
    """The catalogue has no model of this name."""

    code = "model_unknown"
    title = "Unknown model"
    status = 422


class ModelUnpriced(ModelError):
    """The model's price is not known, and the administrator lets no such model be asked."""

    code = "model_unpriced"
    title = "The model's price is not known"
    status = 422


class BudgetExhausted(CodeLabError):
    """A cap on what models may cost is in the way; says which, what is spent, when it renews.

    Clients of OpenAI's interface ask again after 429, but not after 402.
    """

    code = "budget_exhausted"
    title = "The spending cap is reached"
    status = 402


class CatalogueInvalid(CodeLabError):
    """The models file cannot be used as it is; the message names the entry and the field."""

    code = "models_file_invalid"
    title = "The models file is not valid"


class ModelMissing(ModelError):
    """The provider does not have the model, or not for this key."""

    code = "model_missing"
    title = "The provider does not have this model"


class ModelAuthFailed(ModelError):
    """The provider refused the key, or there is none."""

    code = "model_auth_failed"
    title = "The provider refused the key"


class ModelQuotaExhausted(ModelError):
    """The account at the provider has no credit left."""

    code = "model_quota_exhausted"
    title = "The provider's account is used up"


class ModelRefused(ModelError):
    """The provider does not accept this request; the same one again would fail again."""

    code = "model_refused"
    title = "The provider refused the request"


class ModelAddressRefused(ModelError):
    """A model that was added at run time leads into an inner network."""

    code = "model_address_refused"
    title = "The model's address is not allowed"


class ModelFiltered(ModelError):
    """The provider's content filter stopped the request or the answer."""

    code = "model_filtered"
    title = "The provider's content filter said no"
    status = 422


class ModelResting(ModelError):
    """The model was not asked, since it has just failed; it is tried again soon."""

    code = "model_resting"
    title = "The model rests after failures"
    status = 503
    retryable = True


class ContextTooLong(ModelError):
    """The conversation is longer than the model's window.

    Args:
        message: One or two plain sentences.
        limit_tokens: The window, where the provider names it.
        asked_tokens: The size of what was sent, where the provider names it.
    """

    code = "context_too_long"
    title = "The conversation is too long for the model"
    status = 422

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        limit_tokens: int | None = None,
        asked_tokens: int | None = None,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.limit_tokens = limit_tokens
        self.asked_tokens = asked_tokens


class ModelRateLimited(ModelError):
    """The provider takes no more requests for now."""

    code = "model_rate_limited"
    title = "The provider is limiting requests"
    status = 503
    retryable = True


class ModelTimeout(ModelError):
    """The model took too long to start, or stopped in the middle without a word."""

    code = "model_timeout"
    title = "The model took too long"
    status = 504
    retryable = True


class AnswerTimeout(ModelTimeout):
    """An answer went on and on, and was cut off; the same question might take as long again."""

    code = "answer_timeout"
    title = "The answer took too long"
    retryable = False


class ModelUnreachable(ModelError):
    """No connection to the provider could be made."""

    code = "model_unreachable"
    title = "The provider cannot be reached"
    retryable = True


class ModelFailed(ModelError):
    """The provider had a failure of its own."""

    code = "model_failed"
    title = "The provider failed"
    retryable = True


class ModelInterrupted(ModelError):
    """The answer broke off before its end."""

    code = "model_interrupted"
    title = "The answer broke off"
    retryable = True
