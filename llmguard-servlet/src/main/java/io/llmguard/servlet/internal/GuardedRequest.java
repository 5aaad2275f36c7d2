package io.llmguard.servlet.internal;

import io.llmguard.Exchange;
import io.llmguard.RequestBody;
import io.llmguard.auth.Caller;
import io.llmguard.policy.Scope;
import io.llmguard.wire.CheckedForm;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.Part;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.Principal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The call as the chain behind the guards sees it: with its caller, and the body as checked. */
final class GuardedRequest extends HttpServletRequestWrapper {
  private static final Logger log = LoggerFactory.getLogger(GuardedRequest.class);

  private final Conversation conversation;
  private boolean firstDispatch;
  private @Nullable ServletInputStream received;
  private @Nullable ReplayStream stream;
  private @Nullable BufferedReader reader;
  private @Nullable FormParts parts;
  private @Nullable Map<String, String[]> parameters;

  GuardedRequest(Conversation conversation, HttpServletRequest request) {
    super(request);
    this.conversation = conversation;
  }

  /**
   * The guards' own dispatch is none for those behind them, who see the call for the first time.
   */
  void asFirstDispatch(boolean value) {
    firstDispatch = value;
  }

  @Override
  public DispatcherType getDispatcherType() {
    DispatcherType type = super.getDispatcherType();
    return firstDispatch && type == DispatcherType.ASYNC ? DispatcherType.REQUEST : type;
  }

  // ---- who calls

  private @Nullable Caller caller() {
    Exchange exchange = conversation.exchange();
    return exchange == null ? null : exchange.caller();
  }

  @Override
  public @Nullable Principal getUserPrincipal() {
    Caller caller = caller();
    return caller != null ? caller : super.getUserPrincipal();
  }

  @Override
  public @Nullable String getRemoteUser() {
    Caller caller = caller();
    return caller != null ? caller.getName() : super.getRemoteUser();
  }

  @Override
  public @Nullable String getAuthType() {
    Caller caller = caller();
    if (caller == null) {
      return super.getAuthType();
    }
    return switch (caller.kind()) {
      case API_KEY, MASTER_KEY, JWT -> "Bearer";
      case CERTIFICATE -> CLIENT_CERT_AUTH;
      case OTHER -> "llmguard";
    };
  }

  @Override
  public boolean isUserInRole(String role) {
    Caller caller = caller();
    if (caller == null) {
      return super.isUserInRole(role);
    }
    Scope scope = Scope.of(role);
    return scope != null && scope.grantedBy(caller.scopes());
  }

  // ---- the body

  private @Nullable RequestBody body() {
    if (conversation.awaitingDispatch()) {
      throw new IllegalStateException(
          "a guard waits for its dispatch, but it is not mapped to ASYNC: map every filter of the"
              + " chain to REQUEST and ASYNC, or switch async-dispatch off");
    }
    return conversation.checkedBody();
  }

  @Override
  public ServletInputStream getInputStream() throws IOException {
    RequestBody body = body();
    if (body == null) {
      return received();
    }
    if (reader != null) {
      throw new IllegalStateException("getReader was called");
    }
    return replayed(body);
  }

  @Override
  public BufferedReader getReader() throws IOException {
    RequestBody body = body();
    if (body == null) {
      BufferedReader known = reader;
      if (known == null) {
        known = new BufferedReader(new ReceivedReader(conversation, super.getReader()));
        reader = known;
      }
      return known;
    }
    if (reader == null) {
      if (stream != null) {
        throw new IllegalStateException("getInputStream was called");
      }
      String encoding = getCharacterEncoding();
      Charset charset = encoding == null ? StandardCharsets.UTF_8 : Charset.forName(encoding);
      reader = new BufferedReader(new InputStreamReader(replayed(body), charset));
    }
    return reader;
  }

  private ServletInputStream received() throws IOException {
    ServletInputStream known = received;
    if (known == null) {
      known = new ReceivedStream(conversation, super.getInputStream());
      received = known;
    }
    return known;
  }

  private ReplayStream replayed(RequestBody body) throws IOException {
    ReplayStream replayed = stream;
    if (replayed == null) {
      replayed = ReplayStream.of(body);
      stream = replayed;
    }
    return replayed;
  }

  /** The call has ended, and with it the file that its body may be in. */
  void closeBody() {
    ReplayStream replayed = stream;
    if (replayed != null) {
      try {
        replayed.close();
      } catch (IOException e) {
        log.debug("the file of a body did not close", e);
      }
    }
  }

  @Override
  public int getContentLength() {
    long length = getContentLengthLong();
    return length > Integer.MAX_VALUE ? -1 : (int) length;
  }

  @Override
  public long getContentLengthLong() {
    RequestBody body = conversation.checkedBody();
    return body == null ? super.getContentLengthLong() : body.length();
  }

  /** True for the fields that say how the body came, not how it is now. */
  private boolean isFraming(@Nullable String name) {
    return name != null
        && (name.equalsIgnoreCase("Content-Length")
            || name.equalsIgnoreCase("Transfer-Encoding")
            || name.equalsIgnoreCase("Content-Encoding"))
        && conversation.checkedBody() != null;
  }

  @Override
  public @Nullable String getHeader(String name) {
    if (!isFraming(name)) {
      return super.getHeader(name);
    }
    return name.equalsIgnoreCase("Content-Length") ? Long.toString(getContentLengthLong()) : null;
  }

  @Override
  public Enumeration<String> getHeaders(String name) {
    if (!isFraming(name)) {
      return super.getHeaders(name);
    }
    String value = getHeader(name);
    return Collections.enumeration(value == null ? List.of() : List.of(value));
  }

  @Override
  public int getIntHeader(String name) {
    return isFraming(name) && getHeader(name) == null
        ? -1
        : isFraming(name) ? getContentLength() : super.getIntHeader(name);
  }

  @Override
  public Enumeration<String> getHeaderNames() {
    if (conversation.checkedBody() == null) {
      return super.getHeaderNames();
    }
    List<String> names = new ArrayList<>();
    Enumeration<String> all = super.getHeaderNames();
    while (all.hasMoreElements()) {
      String name = all.nextElement();
      if (!isFraming(name)) {
        names.add(name);
      }
    }
    names.add("Content-Length");
    return Collections.enumeration(names);
  }

  // ---- a form that was checked

  private @Nullable FormParts form() {
    FormParts known = parts;
    CheckedForm form = conversation.checkedForm();
    if (known == null && form != null && body() instanceof RequestBody.Spooled spooled) {
      Object temporary = getServletContext().getAttribute(ServletContext.TEMPDIR);
      Path location =
          temporary instanceof File folder
              ? folder.toPath()
              : Path.of(System.getProperty("java.io.tmpdir", ""));
      known = new FormParts(spooled, form, location);
      parts = known;
    }
    return known;
  }

  @Override
  public Collection<Part> getParts() throws IOException, ServletException {
    FormParts form = form();
    return form == null ? super.getParts() : form.all();
  }

  @Override
  public @Nullable Part getPart(String name) throws IOException, ServletException {
    FormParts form = form();
    return form == null ? super.getPart(name) : form.named(name);
  }

  @Override
  public Map<String, String[]> getParameterMap() {
    Map<String, String[]> known = parameters;
    if (known == null) {
      FormParts form = form();
      if (form == null) {
        return super.getParameterMap();
      }
      try {
        known = form.parameters(getQueryString());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      parameters = known;
    }
    return known;
  }

  @Override
  public @Nullable String getParameter(String name) {
    if (form() == null) {
      return super.getParameter(name);
    }
    String[] values = getParameterMap().get(name);
    return values == null ? null : values[0];
  }

  @Override
  public String @Nullable [] getParameterValues(String name) {
    return form() != null ? getParameterMap().get(name) : super.getParameterValues(name);
  }

  @Override
  public Enumeration<String> getParameterNames() {
    return form() != null
        ? Collections.enumeration(getParameterMap().keySet())
        : super.getParameterNames();
  }

  // ---- asynchronous answers

  @Override
  public AsyncContext startAsync() {
    return conversation.started(super.startAsync(this, conversation.response()));
  }

  @Override
  public AsyncContext startAsync(ServletRequest request, ServletResponse response) {
    return conversation.started(super.startAsync(request, response));
  }
}
