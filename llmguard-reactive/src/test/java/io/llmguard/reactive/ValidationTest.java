package io.llmguard.reactive;

import io.llmguard.testkit.HttpContract;
import io.llmguard.testkit.ValidationContract;
import io.llmguard.validate.Validation;
import org.junit.jupiter.api.Tag;

@Tag("server")
class ValidationTest extends ValidationContract {
  @Override
  protected HttpContract.Server start(Validation validation) {
    return Gateway.closing(NettyServer.start(new ValidateHandler(validation)), () -> {});
  }
}
