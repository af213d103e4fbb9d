"""Watches from outside what no stage can say of itself: who lags, what waits in dead letters, which process is gone."""
