"""The window: pages, widgets and the models behind them. It knows neither torch nor the engine's modules."""
