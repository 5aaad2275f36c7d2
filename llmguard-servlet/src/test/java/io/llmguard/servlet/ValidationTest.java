package io.llmguard.servlet;

import io.llmguard.testkit.HttpContract;
import io.llmguard.testkit.ValidationContract;
import io.llmguard.validate.Validation;
import jakarta.servlet.ServletRegistration;
import org.junit.jupiter.api.Tag;

@Tag("container")
class ValidationTest extends ValidationContract {
  @Override
  protected HttpContract.Server start(Validation validation) throws Exception {
    return new Gateway(
        Engine.current()
            .start(
                context -> {
                  ServletRegistration.Dynamic servlet =
                      context.addServlet("validate", new ValidateServlet(validation));
                  servlet.setAsyncSupported(true);
                  servlet.addMapping("/validate/*");
                },
                null));
  }
}
