package io.llmguard.servlet;

import io.llmguard.Decision;
import io.llmguard.DecisionDeadline;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.ClientAddressStage;
import io.llmguard.servlet.internal.Assembly;
import io.llmguard.servlet.internal.Conversation;
import io.llmguard.servlet.internal.RefusalWriter;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Leads every call through a {@link Guard} before the chain behind it sees it.
 *
 * <p>A refused call is answered here. An admitted one goes on with its caller as the request's
 * principal and with the body that was checked; its answer is metered as it passes, and the call is
 * settled once, however it ends. Several of these filters in one chain share one {@link Exchange}:
 * what one has found out the next one knows, and they are settled together.
 *
 * <p>Where a decision or a body comes later, the container's thread waits for it, because a filter
 * cannot know whether the whole chain is mapped to asynchronous dispatches too; what is not mapped
 * would be left out. Where it is, as {@link #addTo} sees to, {@link #asyncDispatch} lets the thread
 * go meanwhile. Thread-safe.
 */
public class GuardFilter implements Filter {
  private @Nullable Guard guard;
  private @Nullable AutoCloseable owned;
  private volatile boolean asyncDispatch;
  private volatile DecisionDeadline deadline = DecisionDeadline.DEFAULT;

  /** A filter over a guard, which stays its owner's to close. */
  public GuardFilter(Guard guard) {
    this.guard = Objects.requireNonNull(guard);
  }

  /** A filter over a guard, which is closed with it. */
  GuardFilter(Guard guard, AutoCloseable owned) {
    this(guard);
    this.owned = owned;
  }

  /** A filter over one stage, which stays its owner's to close. */
  GuardFilter(Place place, Stage stage) {
    this(StandardGuard.builder().stage(place, stage).build());
  }

  /** A filter over one stage, which judges the caller behind these proxies. */
  GuardFilter(ClientAddressResolver proxies, Place place, Stage stage) {
    this(
        StandardGuard.builder()
            .stage(Place.CLIENT_ADDRESS, new ClientAddressStage(proxies))
            .stage(place, stage)
            .build());
  }

  /** A filter that assembles its guard from init-params. */
  GuardFilter() {}

  /** Puts the stages of a filter without a guard together; reads their init-params. */
  void assemble(Assembly parts) {
    throw new IllegalArgumentException("this filter takes no init-params: give it a guard");
  }

  /** The exchange of a call that a guard has admitted, or null where none has. */
  public static @Nullable Exchange exchange(ServletRequest request) {
    Conversation conversation = Conversation.of(request);
    return conversation == null ? null : conversation.exchange();
  }

  /**
   * Lets the container's thread go while a body or a decision is awaited, and has the chain run
   * again as an asynchronous dispatch afterwards. Off unless set.
   *
   * <p>Every filter behind this one must be mapped to {@link DispatcherType#ASYNC} as well.
   */
  public final GuardFilter asyncDispatch(boolean value) {
    asyncDispatch = value;
    return this;
  }

  /** How long a client may take to send a body that is read here; 60 s unless set. */
  public final GuardFilter bodyDeadline(Duration value) {
    deadline = new DecisionDeadline(value);
    return this;
  }

  /**
   * Registers this filter for requests and asynchronous dispatches, behind the filters that are
   * there, and switches {@link #asyncDispatch} on.
   */
  public final FilterRegistration.Dynamic addTo(
      ServletContext context, String name, String... urlPatterns) {
    FilterRegistration.Dynamic registration = context.addFilter(name, this);
    if (registration == null) {
      throw new IllegalStateException("there is a filter of the name " + name + " already");
    }
    registration.setAsyncSupported(true);
    registration.addMappingForUrlPatterns(
        EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC), true, urlPatterns);
    asyncDispatch(true);
    return registration;
  }

  /**
   * Reads the init-params: every filter takes {@code async-dispatch} and {@code body-deadline}, a
   * filter without a guard those of its stages too. In a value <code>${NAME}</code> stands for a
   * system property or an environment variable, <code>${NAME:-text}</code> for one with a default.
   *
   * @throws ServletException if one is wrong; it names the filter, the parameter and the problem
   */
  @Override
  public final void init(FilterConfig config) throws ServletException {
    Assembly parts = new Assembly(config);
    try {
      asyncDispatch = parts.params().flag("async-dispatch", asyncDispatch);
      bodyDeadline(parts.params().positive("body-deadline", deadline.duration()));
      if (guard != null) {
        parts.params().refuseUnknown();
        return;
      }
      assemble(parts);
      guard = parts.finish();
      owned = parts;
    } catch (IllegalArgumentException e) {
      parts.close();
      throw new ServletException(e.getMessage(), e);
    } catch (RuntimeException | LinkageError e) {
      parts.close();
      throw new ServletException(parts.params().owner() + ": " + e, e);
    }
  }

  /** Closes what this filter had opened itself. */
  @Override
  public final void destroy() {
    AutoCloseable opened = owned;
    if (opened != null) {
      try {
        opened.close();
      } catch (Exception e) {
        LoggerFactory.getLogger(GuardFilter.class).warn("closing a guard failed", e);
      }
    }
  }

  @Override
  public final void doFilter(ServletRequest req, ServletResponse res, FilterChain chain)
      throws IOException, ServletException {
    if (!(req instanceof HttpServletRequest request)
        || !(res instanceof HttpServletResponse response)) {
      throw new ServletException("a guard judges HTTP requests only");
    }
    Conversation known = Conversation.of(request);
    if (known == null) {
      Conversation begun = new Conversation(request, response, deadline.millis(), asyncDispatch);
      decide(begun, request, response, chain, true);
    } else if (!known.passed(this)) {
      decide(known, request, response, chain, false);
    } else {
      if (known.dispatched()) {
        // not what the container gives: that one calls itself an asynchronous dispatch
        track(known, known.request(), known.response(), chain);
      } else {
        chain.doFilter(request, response);
      }
    }
  }

  private void decide(
      Conversation conversation,
      HttpServletRequest request,
      HttpServletResponse response,
      FilterChain chain,
      boolean first)
      throws IOException, ServletException {
    Exchange joined = conversation.exchange();
    CompletableFuture<Decision> future =
        (joined == null ? guard().admit(conversation) : guard().join(joined)).toCompletableFuture();
    if (!future.isDone()) {
      if (conversation.mayDispatch()) {
        new Waiting(conversation, request, response).on(future);
        return;
      }
      await(future);
    }
    Decision decision = future.isDone() ? future.join() : DecisionDeadline.TOO_LATE;
    if (decision instanceof Decision.Admit admit) {
      conversation.admitted(admit.exchange(), this);
      RefusalWriter.set(response, admit.exchange().responseHeaders());
      proceed(conversation, request, response, chain, first);
    } else if (decision instanceof Decision.Refuse refuse) {
      RefusalWriter.write(request, response, refuse.refusal());
    }
  }

  private void proceed(
      Conversation conversation,
      HttpServletRequest request,
      HttpServletResponse response,
      FilterChain chain,
      boolean first)
      throws IOException, ServletException {
    if (!first) {
      chain.doFilter(request, response);
      return;
    }
    track(conversation, conversation.request(), conversation.response(), chain);
  }

  /** Runs the chain and reports its end; one filter of a conversation does, the outermost. */
  private static void track(
      Conversation conversation,
      HttpServletRequest request,
      HttpServletResponse response,
      FilterChain chain)
      throws IOException, ServletException {
    Throwable failure = null;
    try {
      chain.doFilter(request, response);
    } catch (IOException | ServletException | RuntimeException | Error e) {
      failure = e;
      throw e;
    } finally {
      conversation.returned(failure);
    }
  }

  private Guard guard() throws ServletException {
    Guard assembled = guard;
    if (assembled == null) {
      throw new ServletException("this filter was not initialised");
    }
    return assembled;
  }

  /** Waits on the container's thread; what is not decided by the deadline stays undecided. */
  private void await(CompletableFuture<Decision> future) throws ServletException {
    try {
      future.get(deadline.millis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      DecisionDeadline.abandon(future, Outcome.TIMEOUT);
    } catch (InterruptedException e) {
      DecisionDeadline.abandon(future, Outcome.CLIENT_GONE);
      Thread.currentThread().interrupt();
      throw new ServletException("interrupted while a guard decided", e);
    } catch (ExecutionException e) {
      throw new ServletException("a guard failed", e);
    }
  }

  /** A call that waits for its decision without a thread. */
  private final class Waiting implements AsyncListener {
    private final Conversation conversation;
    private final HttpServletRequest request;
    private final HttpServletResponse response;
    private final AtomicBoolean answered = new AtomicBoolean();

    Waiting(Conversation conversation, HttpServletRequest request, HttpServletResponse response) {
      this.conversation = conversation;
      this.request = request;
      this.response = response;
    }

    void on(CompletableFuture<Decision> future) {
      AsyncContext context = conversation.async();
      context.setTimeout(deadline.millis());
      context.addListener(this);
      var unused = future.whenComplete((decision, e) -> decided(context, decision));
    }

    private void decided(AsyncContext context, @Nullable Decision decision) {
      boolean mine = answered.compareAndSet(false, true);
      if (decision instanceof Decision.Admit admit) {
        if (!mine) {
          DecisionDeadline.abandon(admit, Outcome.TIMEOUT);
          return;
        }
        conversation.admitted(admit.exchange(), GuardFilter.this);
        RefusalWriter.set(response, admit.exchange().responseHeaders());
        conversation.awaitDispatch();
        try {
          context.dispatch();
        } catch (IllegalStateException e) {
          // the container has ended the call: its client left
          admit.exchange().onComplete(Outcome.CLIENT_GONE);
        }
      } else if (mine && decision instanceof Decision.Refuse refuse) {
        refuse(context, refuse.refusal());
      }
    }

    private void refuse(AsyncContext context, Refusal refusal) {
      try {
        RefusalWriter.write(request, response, refusal);
      } catch (IOException e) {
        // the client is gone, and with it whoever could read the refusal
      } finally {
        try {
          context.complete();
        } catch (IllegalStateException e) {
          // the container has ended the call already
        }
      }
    }

    @Override
    public void onTimeout(AsyncEvent event) {
      conversation.timedOut();
      if (answered.compareAndSet(false, true)) {
        refuse(event.getAsyncContext(), DecisionDeadline.TOO_LATE.refusal());
      }
    }

    @Override
    public void onError(AsyncEvent event) {
      answered.set(true);
    }

    @Override
    public void onComplete(AsyncEvent event) {
      answered.set(true);
    }

    @Override
    public void onStartAsync(AsyncEvent event) {
      // what follows is the chain's own
    }
  }
}
