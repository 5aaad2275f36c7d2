package io.llmguard.reactive.internal;

import io.llmguard.Exchange;
import io.llmguard.RequestBody;
import io.llmguard.auth.Caller;
import java.security.Principal;
import org.jspecify.annotations.Nullable;
import org.springframework.http.codec.multipart.Part;
import org.springframework.util.MultiValueMap;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.ServerWebExchangeDecorator;
import reactor.core.publisher.Mono;

/** The call as the chain behind the guards sees it: with its caller, and the body as checked. */
final class GuardedExchange extends ServerWebExchangeDecorator {
  private final Conversation conversation;
  private final GuardedRequest request;
  private final GuardedResponse response;
  private volatile @Nullable FormData form;

  GuardedExchange(Conversation conversation, ServerWebExchange raw) {
    super(raw);
    this.conversation = conversation;
    this.request = new GuardedRequest(conversation, raw.getRequest());
    this.response = new GuardedResponse(conversation, raw.getResponse());
  }

  @Override
  public GuardedRequest getRequest() {
    return request;
  }

  @Override
  public GuardedResponse getResponse() {
    return response;
  }

  /** The parts of a form that was checked, and else what the server finds. */
  @Override
  public Mono<MultiValueMap<String, Part>> getMultipartData() {
    return Mono.defer(
        () ->
            conversation.checkedBody() instanceof RequestBody.Spooled
                ? form().parts()
                : super.getMultipartData());
  }

  private synchronized FormData form() {
    FormData known = form;
    if (known == null) {
      known = new FormData(getDelegate(), request);
      form = known;
    }
    return known;
  }

  /** The call has ended, and what was kept for it goes. */
  void ended() {
    FormData known = form;
    if (known != null) {
      known.delete();
    }
  }

  @Override
  // a principal's type is the asker's word, here as in what this decorates
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  public <T extends Principal> Mono<T> getPrincipal() {
    return Mono.defer(
        () -> {
          Exchange exchange = conversation.exchange();
          Caller caller = exchange == null ? null : exchange.caller();
          return caller != null ? Mono.just((T) caller) : super.getPrincipal();
        });
  }
}
