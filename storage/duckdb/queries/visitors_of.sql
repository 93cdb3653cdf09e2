SELECT anonymous_id FROM owner WHERE app_code = $app_code AND user_id = $user_id
