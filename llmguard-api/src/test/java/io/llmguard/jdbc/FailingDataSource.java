package io.llmguard.jdbc;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Random;
import java.util.logging.Logger;
import javax.sql.DataSource;

/**
 * A database that fails as a seed says: before a statement, before a commit, or after a commit of
 * which its client then never hears. Thread-safe.
 */
final class FailingDataSource implements DataSource {
  private final DataSource source;
  private Random random = new Random(0);
  private boolean failing;

  FailingDataSource(DataSource source) {
    this.source = source;
  }

  synchronized void failing(boolean on, long seed) {
    failing = on;
    random = new Random(seed);
  }

  private synchronized void mayFail(int percent) throws SQLException {
    if (failing && random.nextInt(100) < percent) {
      throw new SQLException("the connection is gone", "08006");
    }
  }

  @Override
  public Connection getConnection() throws SQLException {
    Connection connection = source.getConnection();
    return (Connection)
        Proxy.newProxyInstance(
            FailingDataSource.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, args) -> call(connection, method, args));
  }

  private Object call(Connection connection, Method method, Object[] args) throws Throwable {
    boolean commit = method.getName().equals("commit");
    if (commit || method.getName().equals("prepareStatement")) {
      mayFail(commit ? 5 : 1);
    }
    Object result;
    try {
      result = method.invoke(connection, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
    if (commit) {
      mayFail(5);
    }
    return result;
  }

  @Override
  public Connection getConnection(String user, String password) throws SQLException {
    throw new SQLFeatureNotSupportedException();
  }

  @Override
  public PrintWriter getLogWriter() throws SQLException {
    return source.getLogWriter();
  }

  @Override
  public void setLogWriter(PrintWriter out) throws SQLException {
    source.setLogWriter(out);
  }

  @Override
  public void setLoginTimeout(int seconds) throws SQLException {
    source.setLoginTimeout(seconds);
  }

  @Override
  public int getLoginTimeout() throws SQLException {
    return source.getLoginTimeout();
  }

  @Override
  public Logger getParentLogger() throws SQLFeatureNotSupportedException {
    return source.getParentLogger();
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    return source.unwrap(type);
  }

  @Override
  public boolean isWrapperFor(Class<?> type) throws SQLException {
    return source.isWrapperFor(type);
  }
}
